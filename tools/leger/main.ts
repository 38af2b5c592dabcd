#!/usr/bin/env node
import tab from "@bomb.sh/tab/commander";
import { CommanderError } from "commander";
import { EXIT } from "./cli-error.ts";
import { makeProgram } from "./program.ts";

/** `leger`, the command line for people and scripts. A command sets the exit code; what nobody foresaw is thrown. */
const program = makeProgram();
tab(program);

try {
  await program.parseAsync();
} catch (cause) {
  if (!(cause instanceof CommanderError)) throw cause;
  process.exitCode = cause.exitCode === 0 ? EXIT.fine : EXIT.usage; // help was asked for, or the words were wrong (commander has said which)
}
