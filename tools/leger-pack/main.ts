#!/usr/bin/env node
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
 * `leger-pack`, the template author's command. Exit codes: 0 fine, 1 findings (or a plan with data risks), 2 wrong usage. A
 * command answers its exit code and throws only what nobody foresaw.
 */
const program = new Command("leger-pack")
  .description("Write, render and check template packs for Leger, and check quadlet files without it.")
  .showHelpAfterError("(add --help for the options)")
  .exitOverride()
  .addHelpText("after", "\nExit codes: 0 fine, 1 findings, 2 wrong usage.");
for (const command of [
  renderCommand,
  analyzeCommand,
  explainCommand,
  lintCommand,
  planCommand,
  buildCommand,
  checkCommand,
  compatCommand,
  matrixCommand,
  migrateCommand,
])
  program.addCommand(command((code) => (process.exitCode = code)));

try {
  await program.parseAsync();
} catch (cause) {
  if (!(cause instanceof CommanderError)) throw cause;
  process.exitCode = cause.exitCode === 0 ? 0 : 2; // help was asked for, or the words were wrong (commander has said which)
}
