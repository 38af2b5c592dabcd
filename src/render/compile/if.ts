import type { If, Statement } from "#render/ast.ts";
import { ASKED } from "#render/compile/compiler.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { choiceOf, tracedIf } from "#render/trace/trace-statement.ts";

type Arm = { readonly condition: Code; readonly body: TextCode };

/** `if`, with its `elif` chain as one flat list of arms. */
export function compileIf(node: If, scope: Scope): TextCode {
  const { compiler } = scope;
  const arms: Arm[] = [];
  const bodies: (readonly Statement[])[] = [];
  let last: readonly Statement[] = [];
  for (let at: If | null = node; at !== null;) {
    arms.push({
      condition: compiler.expression(at.cond, scope, ASKED).code,
      body: compiler.body(at.body.children, scope),
    });
    bodies.push(at.body.children);
    const next: If["else_"] = at.else_;
    at = next === null || next.typename === "NodeList" ? null : next;
    if (next?.typename === "NodeList") last = next.children;
  }
  const otherwise = compiler.body(last, scope);
  if (compiler.variant.isTraced)
    return tracedIf(arms, otherwise, choiceOf(compiler.place(node), [...bodies, last], scope));
  const [first, ...more] = arms;
  if (first === undefined) return otherwise;
  const { condition, body } = first;
  if (more.length > 0) return manyArms(arms, otherwise);
  return (slots) => (condition(slots) ? body(slots) : otherwise(slots));
}

const manyArms =
  (arms: readonly Arm[], otherwise: TextCode): TextCode =>
  (slots) => {
    for (let i = 0; i < arms.length; i++) {
      const arm = arms[i];
      if (arm?.condition(slots)) return arm.body(slots);
    }
    return otherwise(slots);
  };
