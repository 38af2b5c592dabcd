import { TemplateFault } from "#render/fault.ts";
import type { Run } from "#render/run.ts";
import { isPlainWord } from "#render/values/plain-word.ts";
import { SafeString } from "#render/values/safe-string.ts";
import { printedText } from "#render/values/printed-text.ts";

/**
 * The text of a value printed into a unit file. A value that could end its line, join the next one or split into words is refused:
 * such values need a quoting filter (DESIGN 8). Inner spaces pass here and are held against the kind of their key.
 */
export function unitText(run: Run, value: unknown): string {
  if (typeof value === "string" && isPlainWord(value)) return value;
  if (value instanceof SafeString && value.isUnitText) return value.toString();
  const text = printedText(run, value);
  if (isPlainWord(text)) return text;
  if (isSpacedWord(text)) {
    run.hasSpacedValues = true;
    return text;
  }
  throw new TemplateFault({
    code: "unit_unsafe_value",
    message: `the value ${quoteStart(text)} could leave its place in a unit file`,
    action: 'Print it with | quadlet_word, | quadlet_env("NAME") or | quadlet_text, whichever fits the key.',
  });
}

/** Plain words with spaces between them. */
export const isSpacedWord = (text: string): boolean =>
  text.includes(" ") && /^[A-Za-z0-9._:/@,+=-]+(?: +[A-Za-z0-9._:/@,+=-]+)*$/.test(text);

const quoteStart = (text: string): string => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
