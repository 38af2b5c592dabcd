import type { Capture, Expr, Statement } from "#render/ast.ts";
import { type Compiled, isSilenced, placedFault, type TemplateCompiler } from "#render/compile/compiler.ts";
import { printedCode } from "#render/compile/print.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileStatement } from "#render/compile/statement.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { stringFault } from "#render/run.ts";
import { type TracedPiece, tracedSequence } from "#render/trace/trace-body.ts";
import { readWhole } from "#render/trace/read-whole.ts";
import { CapturedText } from "#render/values/safe-string.ts";
import { textOf } from "#render/values/text.ts";

/** Texts and the code between them: text 0, code 0, text 1, code 1, ..., text n. Neighbouring texts are one. */
class Pieces {
  readonly texts: string[] = [""];
  readonly codes: Code[] = [];

  addText(text: string) {
    this.texts[this.texts.length - 1] += text;
  }
  addCode(code: Code) {
    this.codes.push(code);
    this.texts.push("");
  }
}

export function compileBody(statements: readonly Statement[], scope: Scope): TextCode {
  if (scope.compiler.variant.isTraced) return compileTracedBody(statements, scope);
  const { compiler } = scope;
  const pieces = new Pieces();
  const add = (node: Statement): void => {
    if (node.typename === "NodeList") node.children.forEach(add);
    else if (node.typename === "Output") for (const child of node.children) addOutput(pieces, child, scope);
    else pieces.addCode(recovering(compiler, compiler.place(node), compileStatement(node, scope)));
  };
  statements.forEach(add);
  return inSequence(pieces);
}

function addOutput(pieces: Pieces, node: Expr, scope: Scope): void {
  const { compiler } = scope;
  if (node.typename === "TemplateData") {
    pieces.addText(node.value);
    return;
  }
  const compiled = compiler.expression(node, scope);
  if (isFixed(compiler, compiled)) {
    pieces.addText(textOf(compiled.constant?.value));
    return;
  }
  const place = compiler.place(node);
  pieces.addCode(recovering(compiler, place, printedCode(compiler, compiled, place)));
}

const isFixed = ({ variant }: TemplateCompiler, { constant }: Compiled): boolean =>
  constant !== undefined && !variant.throwOnUndefined && !variant.isAutoescaped;

function compileTracedBody(statements: readonly Statement[], scope: Scope): TextCode {
  const pieces: TracedPiece[] = [];
  const add = (node: Statement): void => {
    if (node.typename === "NodeList") node.children.forEach(add);
    else if (node.typename === "Output") for (const child of node.children) pieces.push(tracedOutput(child, scope));
    else pieces.push({ kind: "statement", code: compileStatement(node, scope), place: scope.compiler.place(node) });
  };
  statements.forEach(add);
  return tracedSequence(pieces, { isRecovering: scope.compiler.variant.isCollecting });
}

function tracedOutput(node: Expr, scope: Scope): TracedPiece {
  const { compiler } = scope;
  const place = compiler.place(node);
  if (node.typename === "TemplateData") {
    const { value, skippedLines = 0 } = node;
    return {
      kind: "text",
      text: value,
      place: skippedLines === 0 ? place : { ...place, line: place.line + skippedLines, column: 1 },
    };
  }
  const compiled = compiler.expression(node, scope);
  if (isFixed(compiler, compiled)) return { kind: "text", text: textOf(compiled.constant?.value), place };
  const printed = compiled.text === undefined ? readWhole(compiled) : compiled;
  return { kind: "value", code: printedCode(compiler, printed, place), place };
}

/** In collecting variants a fault is noted, and the render goes on behind the statement. */
function recovering(compiler: TemplateCompiler, place: TemplatePlace, code: Code): Code {
  if (!compiler.variant.isCollecting) return code;
  return (slots) => {
    const { run } = slots[0];
    const { depth } = run;
    try {
      const value = code(slots);
      return typeof value === "string" ? value : textOf(value);
    } catch (error) {
      const fault = placedFault(error, place);
      if (fault.endsRender) throw fault;
      run.depth = depth;
      if (!isSilenced(fault)) run.noteFault(fault);
      return "";
    }
  };
}

const toText = (value: unknown): string => (typeof value === "string" ? value : textOf(value));

/** Concatenation beats joining arrays; small bodies are unrolled, because most bodies are small. */
function inSequence({ texts, codes }: Pieces): TextCode {
  const [before = "", between = "", after = "", last = ""] = texts;
  const [first, second, third] = codes;
  if (first === undefined) return () => before;
  if (second === undefined) {
    if (before === "" && between === "") return (slots) => toText(first(slots));
    return (slots) => before + toText(first(slots)) + between;
  }
  if (third === undefined) {
    return (slots) => {
      const start = before + toText(first(slots)) + between;
      return start + toText(second(slots)) + after;
    };
  }
  if (codes.length === 3) {
    return (slots) => {
      const start = before + toText(first(slots)) + between;
      const middle = start + toText(second(slots)) + after;
      return middle + toText(third(slots)) + last;
    };
  }
  return manyInSequence(texts, codes);
}

function manyInSequence(texts: readonly string[], codes: readonly Code[]): TextCode {
  const head = texts[0] ?? "";
  const steps = codes.map((code, index) => ({ code, text: texts[index + 1] ?? "" }));
  const count = steps.length;
  return (slots) => {
    let result = head;
    for (let i = 0; i < count; i++) {
      const step = steps[i];
      if (step === undefined) break;
      const value = step.code(slots);
      result += typeof value === "string" ? value : textOf(value);
      if (step.text !== "") result += step.text;
    }
    return result;
  };
}

/** `{% set x %}...{% endset %}` and `{% filter %}`: the text of statements as a value. */
export function compileCapture(node: Capture, scope: Scope): Compiled {
  const { compiler } = scope;
  const inner = compiler.body(node.body.children, scope);
  const place = compiler.place(node);
  const body: TextCode = (slots) => {
    const { tracer, limits } = slots[0].run;
    const text = tracer === null ? inner(slots) : tracer.capturing(() => inner(slots));
    if (text.length > limits.stringChars) throw stringFault("a captured body", limits.stringChars, place);
    return text;
  };
  if (!compiler.variant.isUnit) return { code: body };
  return {
    code: (slots) => {
      const text = body(slots);
      return text === "" ? "" : new CapturedText(text);
    },
  };
}
