import { styleText } from "node:util";
import type { CliError } from "./cli-error.ts";
import { formatFindings } from "../leger-pack/print-findings.ts";
import { Finding } from "#core/finding.ts";

type Style = Parameters<typeof styleText>[0];

export type Output = ReturnType<typeof makeOutput>;

/**
 * Results go to stdout and nothing else does: with `--json` that is one JSON value (of a command that watches, one per
 * line). Progress and errors for people go to stderr. Colours only on a terminal, and never with NO_COLOR.
 */
export function makeOutput({ isJson, isQuiet }: { isJson: boolean; isQuiet: boolean }) {
  const progress = (text: string) => {
    if (!isQuiet) process.stderr.write(`${styleText("dim", "…", onStderr)} ${text}\n`);
  };
  return {
    isJson,
    progress,
    /** The command's answer, as one JSON value or as lines for a person. */
    result(value: unknown, lines: readonly string[]): void {
      const text = isJson ? JSON.stringify(value, null, 2) : lines.join("\n");
      if (text !== "") process.stdout.write(`${text}\n`);
    },
    /** One of many answers of a command that goes on: a JSON value per line. */
    event(value: Record<string, unknown>, line: string): void {
      process.stdout.write(`${isJson ? JSON.stringify(value) : line}\n`);
    },
    warning: (text: string) => void process.stderr.write(`${styleText("yellow", "warning", onStderr)} ${text}\n`),
    /** What went wrong, and what to do: for people on stderr, and with --json as the one value on stdout. */
    failure(error: CliError): void {
      if (isJson) {
        const { code, message, action, details } = error;
        process.stdout.write(`${JSON.stringify({ error: { code, message, action, details } }, null, 2)}\n`);
      }
      process.stderr.write(`${styleText("red", "error", onStderr)} ${error.message}\n`);
      const findings = error.details.map((detail) => Finding.safeParse(detail));
      const read = findings.flatMap(({ data }) => (data ? [data] : []));
      if (read.length > 0) process.stderr.write(`${formatFindings(read, { stream: process.stderr }).join("\n")}\n`);
      if (error.action !== null) process.stderr.write(`${styleText("green", "do:", onStderr)} ${error.action}\n`);
    },
  };
}

const onStderr = { stream: process.stderr };

export const style = (format: Style, text: string) => styleText(format, text);

/** Aligned columns; the last one is as long as it likes. */
export function table(rows: readonly (readonly string[])[], head?: readonly string[]): string[] {
  const all = head && rows.length > 0 ? [head, ...rows] : rows;
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row, index) => {
    const cells = row.map((cell, column) =>
      column === row.length - 1 ? cell : cell.padEnd((widths[column] ?? 0) + 2),
    );
    const line = cells.join("").trimEnd();
    return head && index === 0 ? style("dim", line) : line;
  });
}

/** A unified diff as git colours it. */
export const patchLines = (patch: string): string[] =>
  patch
    .trimEnd()
    .split("\n")
    .map((line) => {
      if (/^(?:Index: |={3}|--- |\+{3} )/.test(line)) return style("bold", line);
      const colour = line.startsWith("+")
        ? "green"
        : line.startsWith("-")
          ? "red"
          : line.startsWith("@@")
            ? "cyan"
            : null;
      return colour ? style(colour, line) : line;
    });

/** `2026-11-21T05:15:43.000Z` as `2026-11-21 05:15`. */
export const minute = (instant: string | null) => (instant === null ? "-" : instant.slice(0, 16).replace("T", " "));
