import type { Switch } from "#render/ast.ts";
import { compileBody } from "#render/compile/body.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import { compileExpression } from "#render/compile/expression.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { strictEquals } from "#render/values/operators.ts";

/** `switch`: cases compare strictly; a case without a body falls through to the next one that has one. */
export function compileSwitch(compiler: TemplateCompiler, node: Switch, scope: Scope): TextCode {
  const value = compileExpression(compiler, node.expr, scope).code;
  const otherwise = node.default === null ? () => "" : compileBody(compiler, node.default.children, scope);
  const bodies = node.cases.map(({ body }) =>
    body.children.length === 0 ? null : compileBody(compiler, body.children, scope),
  );
  const cases = node.cases.map(({ cond }, index) => ({
    wanted: compileExpression(compiler, cond, scope).code,
    body: bodies.slice(index).find((body) => body !== null) ?? otherwise,
  }));
  return (slots) => {
    const got = value(slots);
    for (const { wanted, body } of cases) if (strictEquals(wanted(slots), got)) return body(slots);
    return otherwise(slots);
  };
}
