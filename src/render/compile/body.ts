import type { AnyNode, Capture, Expr, Statement } from "#render/ast.ts";
import { type Compiled, isSilenced, placedFault, type TemplateCompiler } from "#render/compile/compiler.ts";
import { printedCode, printStep } from "#render/compile/print.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { Body, bodyCode, bodyOf, codeOfStep, type Step, stepOf } from "#render/compile/step.ts";
import { compileStatement } from "#render/compile/statement.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { TracedPiece, tracedSequence } from "#render/trace/trace-body.ts";
import { capturedText } from "#render/trace/tracer.ts";
import { readWhole } from "#render/trace/read-whole.ts";
import { LONG_TEXT_CHARS } from "#render/values/meter.ts";
import { CapturedText } from "#render/values/safe-string.ts";
import { textOf } from "#render/values/text.ts";

export function compileBody(statements: readonly Statement[], scope: Scope): Body {
  if (scope.compiler.variant.isTraced) return compileTracedBody(statements, scope);
  return scope.unit.kept.apart(() => compilePlainBody(statements, scope));
}

function compilePlainBody(statements: readonly Statement[], scope: Scope): Body {
  const { compiler } = scope;
  let head = "";
  const steps: Step[] = [];
  const addText = (text: string): void => {
    const last = steps.at(-1);
    if (last === undefined) head += text;
    else last.text += text;
  };
  const addStep = (node: AnyNode, step: Step): void => {
    steps.push(compiler.variant.isCollecting ? recovering(step, compiler.place(node)) : step);
  };
  const addOutput = (node: Expr): void => {
    const printed = node.typename === "TemplateData" ? node.value : compileOutput(node, scope);
    if (typeof printed === "string") addText(printed);
    else addStep(node, printed);
  };
  const add = (node: Statement): void => {
    if (node.typename === "NodeList") node.children.forEach(add);
    else if (node.typename === "Output") node.children.forEach(addOutput);
    else {
      addStep(node, compileStatement(node, scope));
      scope.unit.kept.forget();
    }
  };
  statements.forEach(add);
  return new Body(head, steps);
}

/** The step of a printed expression, or its text where that is known already. */
function compileOutput(node: Expr, scope: Scope): Step | string {
  const { compiler } = scope;
  const compiled = compiler.expression(node, scope);
  if (isFixed(compiler, compiled)) return textOf(compiled.constant?.value);
  return printStep(compiler, compiled, compiler.place(node));
}

const isFixed = ({ variant }: TemplateCompiler, { constant }: Compiled): boolean =>
  constant !== undefined && !variant.throwOnUndefined && !variant.isAutoescaped;

function compileTracedBody(statements: readonly Statement[], scope: Scope): Body {
  const { compiler } = scope;
  const pieces: TracedPiece[] = [];
  const add = (node: Statement): void => {
    if (node.typename === "NodeList") node.children.forEach(add);
    else if (node.typename === "Output") for (const child of node.children) pieces.push(tracedOutput(child, scope));
    else
      pieces.push(
        new TracedPiece("statement", { code: codeOfStep(compileStatement(node, scope)), place: compiler.place(node) }),
      );
  };
  statements.forEach(add);
  return bodyOf(tracedSequence(pieces, { isRecovering: compiler.variant.isCollecting }));
}

function tracedOutput(node: Expr, scope: Scope): TracedPiece {
  const { compiler } = scope;
  const place = compiler.place(node);
  if (node.typename === "TemplateData") {
    const { value, skippedLines = 0 } = node;
    const start = skippedLines === 0 ? place : { ...place, line: place.line + skippedLines, column: 1 };
    return new TracedPiece("text", { text: value, place: start });
  }
  const compiled = compiler.expression(node, scope);
  if (isFixed(compiler, compiled)) return new TracedPiece("text", { text: textOf(compiled.constant?.value), place });
  const printed = compiled.text === undefined ? readWhole(compiled) : compiled;
  return new TracedPiece("value", { code: printedCode(compiler, printed, place), place });
}

/** In collecting variants a fault is noted, and the render goes on behind the statement. */
function recovering(step: Step, place: TemplatePlace): Step {
  const code = codeOfStep(step);
  return stepOf((slots) => {
    const { run } = slots[0];
    const { depth } = run;
    try {
      return code(slots);
    } catch (error) {
      const fault = placedFault(error, place);
      if (fault.endsRender) throw fault;
      run.depth = depth;
      if (!isSilenced(fault)) run.noteFault(fault);
      return "";
    }
  });
}

/** `{% set x %}...{% endset %}` and `{% filter %}`: the text of statements as a value. */
export function compileCapture(node: Capture, scope: Scope): Compiled {
  const { compiler } = scope;
  const run = bodyCode(compiler.body(node.body.children, scope));
  const place = compiler.place(node);
  const { isTraced, isUnit } = compiler.variant;
  const body: TextCode = (slots) => {
    const text = isTraced ? capturedText(slots, run) : run(slots);
    if (text.length >= LONG_TEXT_CHARS) slots[0].run.checkText(text, "a captured body", place);
    return text;
  };
  if (!isUnit) return { code: body };
  return {
    code: (slots) => {
      const text = body(slots);
      return text === "" ? "" : new CapturedText(text);
    },
  };
}
