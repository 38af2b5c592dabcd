import { createHash } from "node:crypto";
import { mkdirSync, realpathSync } from "node:fs";
import { createServer } from "node:net";
import { CliError, EXIT } from "../cli-error.ts";

/**
 * One leger at a time in a folder: two would swap past each other, and an older version could come last. The kernel holds
 * the name (an abstract socket of Linux) and lets it go with the process, so a killed one leaves nothing behind. Elsewhere
 * there is no such name, and nothing is held: run one there.
 */
export async function holdFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  if (process.platform !== "linux") return work();
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 32);
  const server = createServer();
  const isHeld = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(`\0leger-${name}`, () => resolve(true));
  });
  if (!isHeld)
    throw new CliError(EXIT.failed, {
      code: "folder_in_use",
      message: `Another leger works in ${folder}.`,
      action: "Let it finish, or end it (a `--watch` that still runs?).",
    });
  server.unref();
  try {
    return await work();
  } finally {
    server.close();
  }
}
