import { Command, CommanderError } from "commander";
import { migrateCommand } from "./migrate-command.ts";
import { matrixCommand } from "./matrix-command.ts";
import { compatCommand } from "./compat-command.ts";
import { checkCommand } from "./check-command.ts";
import { buildCommand } from "./build-command.ts";
import { analyzeCommand } from "./analyze-command.ts";
import { explainCommand } from "./explain-command.ts";
import { lintCommand } from "./lint-command.ts";
import { planCommand } from "./plan-command.ts";
import { renderCommand } from "./render-command.ts";

/**
 * `leger-pack`, the template author's command, run with `words`; answers its exit code: 0 fine, 1 findings (or a plan with data
 * risks), 2 wrong usage, or a file that cannot be read or written. Throws only what nobody foresaw.
 */
export async function runLegerPack(words: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command("leger-pack")
    .description("Write, render and check template packs for Leger, and check quadlet files without it.")
    .showHelpAfterError("(add --help for the options)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Exit codes: 0 fine, 1 findings, 2 wrong usage.
From an empty folder to a release: docs/how-to/publish-a-pack.md. What a pack is made of: docs/how-to/write-a-pack.md.`,
    );
  // in the order in which an author needs them
  for (const command of [
    analyzeCommand,
    renderCommand,
    explainCommand,
    checkCommand,
    matrixCommand,
    compatCommand,
    migrateCommand,
    buildCommand,
    lintCommand,
    planCommand,
  ])
    program.addCommand(command((code) => (exitCode = code)).copyInheritedSettings(program)); // its exits too

  try {
    await program.parseAsync(words, { from: "user" });
    return exitCode;
  } catch (cause) {
    if (isFileError(cause)) console.error(`error: cannot ${cause.syscall} ${cause.path}: ${cause.code}`);
    else if (!(cause instanceof CommanderError)) throw cause;
    // help was asked for, or the words were wrong (commander has said which)
    return cause instanceof CommanderError && cause.exitCode === 0 ? 0 : 2;
  }
}

/** No right to read, a disk that is full, a folder in place of a file: the system's answer about a path that was named. */
function isFileError(cause: unknown): cause is Error & { syscall: string; path: string; code: string } {
  return cause instanceof Error && "syscall" in cause && "path" in cause && "code" in cause;
}
