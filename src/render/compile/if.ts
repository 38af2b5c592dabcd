import type { If, Statement } from "#render/ast.ts";
import { ASKED } from "#render/compile/compiler.ts";
import type { Scope } from "#render/compile/scope.ts";
import { type Source, sourceOf } from "#render/compile/source.ts";
import { Body, Step, stepOf } from "#render/compile/step.ts";
import { choiceOf, tracedIf } from "#render/trace/trace-statement.ts";

type Arm = { readonly condition: Source; readonly body: Body };

/** `if`, with its `elif` chain as one flat list of arms. */
export function compileIf(node: If, scope: Scope): Step {
  const { compiler } = scope;
  const arms: Arm[] = [];
  const bodies: (readonly Statement[])[] = [];
  let last: readonly Statement[] = [];
  for (let at: If | null = node; at !== null;) {
    arms.push({
      condition: sourceOf(compiler.expression(at.cond, scope, ASKED)),
      body: compiler.body(at.body.children, scope),
    });
    bodies.push(at.body.children);
    const next: If["else_"] = at.else_;
    at = next === null || next.typename === "NodeList" ? null : next;
    if (next?.typename === "NodeList") last = next.children;
  }
  const otherwise = compiler.body(last, scope);
  if (compiler.variant.isTraced) {
    return stepOf(tracedIf(arms, otherwise, choiceOf(compiler.place(node), [...bodies, last], scope)));
  }
  return (
    arms.reduceRight<Step | null>(
      (rest, arm) => choiceStep(arm, rest === null ? otherwise : new Body("", [rest])),
      null,
    ) ?? stepOf(() => "")
  );
}

const choiceStep = ({ condition, body }: Arm, otherwise: Body): Step =>
  new Step({ action: "choose", source: condition, body, otherwise });
