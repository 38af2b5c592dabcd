import type { Binary, InlineIf, Unary } from "#render/ast.ts";
import { ASKED, type Compiled, constantOf, type Use } from "#render/compile/compiler.ts";
import { emptyText } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { asking, read, sourceOf } from "#render/compile/source.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import { isLongText } from "#render/values/meter.ts";
import {
  add,
  comparable,
  divide,
  isIn,
  modulo,
  multiply,
  negate,
  power,
  primitiveOf,
  subtract,
  toNumber,
} from "#render/values/operators.ts";

type Operation = (left: unknown, right: unknown) => unknown;

const concatenate: Operation = (left, right) => {
  if (typeof left === "string" && (typeof right === "string" || typeof right === "number")) return left + right;
  const a = primitiveOf(left);
  const b = primitiveOf(right);
  return `${a}${b}`;
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  Add: add,
  Concat: concatenate,
  Sub: subtract,
  Mul: multiply,
  Div: divide,
  FloorDiv: (left, right) => Math.floor(divide(left, right)),
  Mod: modulo,
  Pow: power,
};

export function compileOperator(node: Binary, scope: Scope): Compiled {
  const { compiler } = scope;
  const left = compiler.operand(node.left, scope);
  const right = compiler.operand(node.right, scope);
  const operation = OPERATIONS[node.typename] ?? add;
  if (left.constant !== undefined && right.constant !== undefined) {
    return constantOf(operation(left.constant.value, right.constant.value));
  }
  const from = sourceOf(left);
  const other = sourceOf(right);
  const place = compiler.place(node);
  // Most operations have a literal on one side: it needs no call.
  if (right.constant !== undefined) {
    const b = right.constant.value;
    return { code: (slots) => bounded(operation(read(from, slots), b), slots, place) };
  }
  if (left.constant !== undefined) {
    const a = left.constant.value;
    return { code: (slots) => bounded(operation(a, read(other, slots)), slots, place) };
  }
  return { code: (slots) => bounded(operation(read(from, slots), read(other, slots)), slots, place) };
}

function bounded(value: unknown, slots: Slots, place: TemplatePlace): unknown {
  if (isLongText(value)) slots[0].run.checkText(value, "joining texts", place);
  return value;
}

/** `or` and `and` yield one of their operands; the left one is only asked. */
export function compileLogic(node: Binary, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const left = sourceOf(compiler.expression(node.left, scope, ASKED));
  const right = sourceOf(compiler.expression(node.right, scope, use));
  return node.typename === "Or"
    ? { code: (slots) => read(left, slots) || read(right, slots) }
    : { code: (slots) => read(left, slots) && read(right, slots) };
}

export function compileUnary(node: Unary, scope: Scope): Compiled {
  const { compiler } = scope;
  if (node.typename === "Not") {
    const target = compiler.expression(node.target, scope, ASKED);
    if (target.constant !== undefined) return constantOf(!target.constant.value);
    const value = sourceOf(target);
    return asking(target.source, "falsy") ?? { code: (slots) => !read(value, slots) };
  }
  const operation = node.typename === "Neg" ? negate : toNumber;
  const target = compiler.operand(node.target, scope);
  if (target.constant !== undefined) return constantOf(operation(target.constant.value));
  const { code } = target;
  return { code: (slots) => operation(code(slots)) };
}

export function compileInlineIf(node: InlineIf, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const condition = sourceOf(compiler.expression(node.cond, scope, ASKED));
  const body = compiler.expression(node.body, scope, use);
  const otherwise = node.else_ === null ? emptyText : compiler.expression(node.else_, scope, use);
  const isOwnText = [body, otherwise].every((branch) => branch.constant !== undefined || branch.isOwnText === true);
  const chosen = sourceOf(body);
  const other = sourceOf(otherwise);
  const code: Code = (slots) => read(read(condition, slots) ? chosen : other, slots);
  return { code, isOwnText };
}

/** Lists in templates are short: asking each item is faster than calling `indexOf`. */
function isOneOf(items: readonly unknown[], wanted: unknown): boolean {
  for (let i = 0; i < items.length; i++) if (items[i] === wanted) return true;
  return false;
}

export function compileIn(node: Binary, scope: Scope): Compiled {
  const { compiler } = scope;
  const needle = sourceOf(compiler.operand(node.left, scope));
  const haystack = compiler.operand(node.right, scope);
  const { items } = haystack;
  if (items !== undefined && !items.some(isLongText))
    return { code: (slots) => isOneOf(items, comparable(read(needle, slots))) };
  const place = compiler.place(node);
  const source = sourceOf(haystack);
  return {
    code: (slots) => {
      const wanted = read(needle, slots);
      const searched = read(source, slots);
      slots[0].run.chargeValue(searched, place);
      return isIn(wanted, searched);
    },
  };
}
