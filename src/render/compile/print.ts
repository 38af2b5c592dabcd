import type { Compiled, TemplateCompiler } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import type { Run } from "#render/run.ts";
import { isPlainWord } from "#render/values/plain-word.ts";
import { SafeString } from "#render/values/safe-string.ts";
import { escapedTextOf, textOf } from "#render/values/text.ts";

/** Code of `{{ expression }}`: a text, or a value that the body turns into one. */
export function printedCode(compiler: TemplateCompiler, compiled: Compiled, place: TemplatePlace): Code {
  const { isAutoescaped, isUnit, throwOnUndefined } = compiler.variant;
  const { code } = compiled;
  if (throwOnUndefined) return refusingNothing(code, { isAutoescaped, place });
  if (isAutoescaped) return (slots) => escapedTextOf(code(slots));
  if (!isUnit || compiled.text !== undefined || compiled.isOwnText === true) return compiled.text ?? code;
  return (slots) => unitText(slots[0].run, code(slots));
}

function refusingNothing(code: Code, options: { isAutoescaped: boolean; place: TemplatePlace }): Code {
  const print = options.isAutoescaped ? escapedTextOf : textOf;
  return (slots) => {
    const value = code(slots);
    if (value !== undefined && value !== null) return print(value);
    throw new TemplateFault({
      code: "undefined",
      message: "attempted to output null or undefined value",
      action: "Give the value, or print it with | default(...).",
      place: options.place,
    });
  };
}

/**
 * The text of a value printed into a unit file. A value that could end its line, join the next one or split into words is refused:
 * such values need a quoting filter (DESIGN 8). Inner spaces pass here and are held against the kind of their key.
 */
export function unitText(run: Run, value: unknown): string {
  if (typeof value === "string" && isPlainWord(value)) return value;
  if (value instanceof SafeString && value.isUnitText) return value.toString();
  const text = textOf(value);
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
