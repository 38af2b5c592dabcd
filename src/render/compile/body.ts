import type { Capture, Expr, Statement } from "#render/ast.ts";
import { type Compiled, isSilenced, placedFault, type TemplateCompiler } from "#render/compile/compiler.ts";
import { compileExpression } from "#render/compile/expression.ts";
import { printedCode } from "#render/compile/print.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileStatement } from "#render/compile/statement.ts";
import type { TemplatePlace } from "#render/fault.ts";
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

export function compileBody(compiler: TemplateCompiler, statements: readonly Statement[], scope: Scope): TextCode {
  const pieces = new Pieces();
  const add = (node: Statement): void => {
    if (node.typename === "NodeList") node.children.forEach(add);
    else if (node.typename === "Output") for (const child of node.children) addOutput(compiler, pieces, child, scope);
    else pieces.addCode(recovering(compiler, compiler.place(node), compileStatement(compiler, node, scope)));
  };
  statements.forEach(add);
  return inSequence(pieces);
}

function addOutput(compiler: TemplateCompiler, pieces: Pieces, node: Expr, scope: Scope): void {
  if (node.typename === "TemplateData") {
    pieces.addText(node.value);
    return;
  }
  const compiled = compileExpression(compiler, node, scope);
  if (compiled.constant !== undefined && !compiler.variant.throwOnUndefined && !compiler.variant.isAutoescaped) {
    pieces.addText(textOf(compiled.constant.value));
    return;
  }
  const place = compiler.place(node);
  pieces.addCode(recovering(compiler, place, printedCode(compiler, compiled, place)));
}

/** In collecting variants a fault is noted, and the render goes on behind the statement. */
function recovering(compiler: TemplateCompiler, place: TemplatePlace, code: Code): Code {
  if (!compiler.variant.isCollecting) return code;
  return (slots) => {
    const { run } = slots[0];
    const { depth } = run;
    try {
      return code(slots);
    } catch (error) {
      const fault = placedFault(error, place);
      if (fault.isLimit) throw fault;
      run.depth = depth;
      if (!isSilenced(fault)) run.faults.push(fault);
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
  return (slots) => {
    let result = head;
    for (const { code, text } of steps) {
      const value = code(slots);
      result += typeof value === "string" ? value : textOf(value);
      if (text !== "") result += text;
    }
    return result;
  };
}

/** `{% set x %}...{% endset %}` and `{% filter %}`: the text of statements as a value. */
export function compileCapture(compiler: TemplateCompiler, node: Capture, scope: Scope): Compiled {
  const body = compileBody(compiler, node.body.children, scope);
  if (!compiler.variant.isUnit) return { code: body };
  return {
    code: (slots) => {
      const text = body(slots);
      return text === "" ? "" : new CapturedText(text);
    },
  };
}
