import type { Compare, CompareType } from "#render/ast.ts";
import type { Compiled } from "#render/compile/compiler.ts";
import type { Scope } from "#render/compile/scope.ts";
import { asking, equalsConstant, sourceOf } from "#render/compile/source.ts";
import { isLongText } from "#render/values/meter.ts";
import { isAtLeast, isAtMost, isGreater, isLess, looseEquals, strictEquals } from "#render/values/operators.ts";

type Comparison = (left: unknown, right: unknown) => boolean;

const COMPARISONS: Readonly<Record<CompareType, Comparison>> = {
  "==": looseEquals,
  "!=": (left, right) => !looseEquals(left, right),
  "===": strictEquals,
  "!==": (left, right) => !strictEquals(left, right),
  "<": isLess,
  ">": isGreater,
  "<=": isAtMost,
  ">=": isAtLeast,
};

/** Comparisons yield booleans from left to right: `3 > 2 > 1` is `true > 1`, as in JavaScript. */
export function compileCompare(node: Compare, scope: Scope): Compiled {
  const { compiler } = scope;
  let compared = compiler.operand(node.expr, scope);
  for (const operand of node.ops) compared = compareWith(compared, operand.type, compiler.operand(operand.expr, scope));
  return compared;
}

function compareWith(left: Compiled, type: CompareType, right: Compiled): Compiled {
  const value = sourceOf(left);
  if (right.constant === undefined) {
    const compare = COMPARISONS[type];
    const other = sourceOf(right);
    return { code: (slots) => compare(value.read(slots), other.read(slots)) };
  }
  const wanted = right.constant.value;
  if ((type !== "==" && type !== "!=") || isLongText(wanted)) {
    const compare = COMPARISONS[type];
    return { code: (slots) => compare(value.read(slots), wanted) };
  }
  const asked = asking(left.source, type === "==" ? "equal" : "different", wanted);
  if (asked !== null) return asked;
  if (type === "==") return { code: (slots) => equalsConstant(value.read(slots), wanted) };
  return { code: (slots) => !equalsConstant(value.read(slots), wanted) };
}
