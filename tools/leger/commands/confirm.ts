import { createInterface } from "node:readline/promises";
import { usageError } from "../cli-error.ts";

/** Asks a person on the terminal, after telling them what for. Without a terminal nobody is there to ask: --yes is needed. */
export async function confirm(question: string, lines: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) throw usageError("There is no terminal to ask on.", "Add --yes.");
  process.stderr.write(`${lines.join("\n")}\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${question} [y/N] `);
    if (!/^y(?:es)?$/i.test(answer.trim())) throw usageError("Nothing was done.");
  } finally {
    terminal.close();
  }
}
