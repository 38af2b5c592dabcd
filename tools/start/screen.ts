import { styleText } from "node:util";

const isTerminal = process.stdout.isTTY === true;

/** What the tour prints: headed steps, aligned rows, and a progress line while it waits (on a terminal only). */
export const screen = {
  title: (text: string) => console.log(`\n${styleText(["bold"], text)}\n`),
  step: (number: number, text: string) => console.log(`\n${styleText(["bold", "cyan"], `${number}. ${text}`)}`),
  line: (text = "") => console.log(text === "" ? "" : `   ${text}`),
  dim: (text: string) => console.log(`   ${styleText("dim", text)}`),
  done: (text: string) => console.log(`   ${styleText("green", "✓")} ${text}`),

  rows(rows: string[][]): void {
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
    for (const row of rows)
      console.log(
        `   ${row.map((cell, column) => cell.padEnd(column === row.length - 1 ? 0 : (widths[column] ?? 0) + 2)).join("")}`.trimEnd(),
      );
  },

  /** A unified diff, coloured as git does. */
  patch(text: string): void {
    for (const line of text.split("\n")) {
      if (/^(?:Index: |===|---|\+\+\+)/.test(line) || line.startsWith("\\")) continue;
      const style = line.startsWith("+")
        ? "green"
        : line.startsWith("-")
          ? "red"
          : line.startsWith("@@")
            ? "cyan"
            : "dim";
      if (line !== "") console.log(`     ${styleText(style, line)}`);
    }
  },

  /** Shows what it waits for, and how long. */
  async waiting<T>(what: string, work: (say: (what: string) => void) => Promise<T>): Promise<T> {
    const startedAt = Date.now();
    let current = what;
    const draw = () =>
      process.stdout.write(`\r\x1b[2K   … ${current} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
    const timer = isTerminal ? setInterval(draw, 100) : undefined;
    const say = (next: string) => {
      current = next;
      if (!isTerminal) console.log(`   … ${next}`);
    };
    say(what);
    try {
      return await work(say);
    } finally {
      clearInterval(timer);
      if (isTerminal) process.stdout.write("\r\x1b[2K");
    }
  },

  seconds: (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`,
};

export const bytes = (count: number) => (count < 1024 ? `${count} B` : `${(count / 1024).toFixed(1)} KiB`);
