import { CommanderError } from "commander";

/** Something that the command line names does not exist or cannot be read: said in one line, exit code 2. */
export function usageError(message: string): CommanderError {
  console.error(`error: ${message}`);
  return new CommanderError(2, "leger-pack.usage", message);
}
