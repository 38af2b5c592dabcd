import type { Run } from "#render/run.ts";
import { textOf } from "#render/values/text.ts";

/** The text of a printed value. A list costs a step for each character: a short template may print a long one in a loop. */
export function printedText(run: Run, value: unknown): string {
  if (typeof value === "number") return `${value}`;
  const text = textOf(value);
  if (Array.isArray(value)) run.charge(text.length);
  return text;
}
