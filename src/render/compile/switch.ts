import type { Switch } from "#render/ast.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import type { Body } from "#render/compile/step.ts";
import type { Slots } from "#render/run.ts";
import { choiceOf, runChoice } from "#render/trace/trace-statement.ts";
import { strictEquals } from "#render/values/operators.ts";

/** `switch`: cases compare strictly; a case without a body falls through to the next one that has one. */
export function compileSwitch(node: Switch, scope: Scope): TextCode {
  const { compiler } = scope;
  const value = compiler.operand(node.expr, scope).code;
  const last = node.default?.children ?? [];
  const otherwise = compiler.body(last, scope);
  const cases = node.cases.map(({ cond, body }) => ({
    body: body.children.length === 0 ? null : compiler.body(body.children, scope),
    wanted: compiler.operand(cond, scope).code,
  }));
  let next = otherwise;
  const bodies = cases
    .toReversed()
    .map(({ body }) => (next = body ?? next))
    .toReversed();
  const choose = (slots: Slots): Body => {
    const got = value(slots);
    const index = cases.findIndex(({ wanted }) => strictEquals(wanted(slots), got));
    return bodies[index] ?? otherwise;
  };
  if (!compiler.variant.isTraced) return (slots) => choose(slots).run(slots);
  const choice = choiceOf(compiler.place(node), [...node.cases.map(({ body }) => body.children), last], scope);
  return (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    const chosen = tracer.reading(() => choose(slots));
    return runChoice(tracer, slots, { choice, origins: chosen.origins, body: chosen.value });
  };
}
