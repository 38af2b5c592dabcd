import type { Compiled, TemplateCompiler } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import { sourceOf } from "#render/compile/source.ts";
import { Step, stepOf } from "#render/compile/step.ts";
import { unitText } from "#render/compile/unit-text.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { escapedTextOf, textOf } from "#render/values/text.ts";

/** The step of `{{ expression }}`. */
export function printStep(compiler: TemplateCompiler, compiled: Compiled, place: TemplatePlace): Step {
  const { isAutoescaped, isUnit, throwOnUndefined } = compiler.variant;
  if (throwOnUndefined || isAutoescaped) return stepOf(printedCode(compiler, compiled, place));
  if (compiled.text !== undefined) return stepOf(compiled.text);
  const isChecked = isUnit && compiled.isOwnText !== true;
  return new Step({ action: isChecked ? "print in unit" : "print", source: sourceOf(compiled) });
}

/** Code of `{{ expression }}`: a text, or a value that becomes one. */
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
