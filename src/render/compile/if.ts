import type { If } from "#render/ast.ts";
import { compileBody } from "#render/compile/body.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import { ASKED, compileExpression } from "#render/compile/expression.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";

type Arm = { readonly condition: Code; readonly body: TextCode };
const nothing: TextCode = () => "";

/** `if`, with its `elif` chain as one flat list of arms. */
export function compileIf(compiler: TemplateCompiler, node: If, scope: Scope): TextCode {
  const arms: Arm[] = [];
  let otherwise: TextCode = nothing;
  for (let at: If | null = node; at !== null;) {
    arms.push({
      condition: compileExpression(compiler, at.cond, scope, ASKED).code,
      body: compileBody(compiler, at.body.children, scope),
    });
    const next: If["else_"] = at.else_;
    at = next === null || next.typename === "NodeList" ? null : next;
    if (next?.typename === "NodeList") otherwise = compileBody(compiler, next.children, scope);
  }
  const [first, ...more] = arms;
  if (first === undefined) return nothing;
  const { condition, body } = first;
  if (more.length > 0) return manyArms(arms, otherwise);
  return (slots) => (condition(slots) ? body(slots) : otherwise(slots));
}

const manyArms =
  (arms: readonly Arm[], otherwise: TextCode): TextCode =>
  (slots) => {
    for (const { condition, body } of arms) if (condition(slots)) return body(slots);
    return otherwise(slots);
  };
