import type { Compare, CompareType } from "#render/ast.ts";
import type { Compiled } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
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
  let { code } = compiler.operand(node.expr, scope);
  for (const operand of node.ops) {
    const right = compiler.operand(operand.expr, scope);
    code =
      right.constant === undefined
        ? comparison(operand.type, code, right.code)
        : withConstant(operand.type, code, right.constant.value);
  }
  return { code };
}

function comparison(type: CompareType, left: Code, right: Code): Code {
  const compare = COMPARISONS[type];
  return (slots) => compare(left(slots), right(slots));
}

/** Equality with a literal, the most frequent comparison: values of the literal's own type need no rules. */
function withConstant(type: CompareType, left: Code, wanted: unknown): Code {
  if (type === "==") {
    return (slots) => {
      const value = left(slots);
      return value === wanted || (typeof value !== typeof wanted && looseEquals(value, wanted));
    };
  }
  if (type === "!=") {
    return (slots) => {
      const value = left(slots);
      return value !== wanted && (typeof value === typeof wanted || !looseEquals(value, wanted));
    };
  }
  const compare = COMPARISONS[type];
  return (slots) => compare(left(slots), wanted);
}
