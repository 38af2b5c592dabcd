import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** One line from the terminal, not shown while it is typed. */
export function readHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    terminal.once("line", (line) => {
      terminal.close();
      process.stderr.write("\n");
      resolve(line);
    });
    terminal.once("SIGINT", () => {
      terminal.close();
      process.stderr.write("\n");
      reject(new Error("interrupted"));
    });
  });
}
