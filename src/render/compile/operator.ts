import type { Binary, Expr, InlineIf, Unary } from "#render/ast.ts";
import { ASKED, type Compiled, constantOf, type Use } from "#render/compile/compiler.ts";
import { emptyText } from "#render/compile/literal.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { asking, compiledAt, isOneOf, type Source, sourceOf } from "#render/compile/source.ts";
import type { TemplatePlace } from "#render/fault.ts";
import type { Slots } from "#render/run.ts";
import { isLongText, LONG_TEXT_CHARS } from "#render/values/meter.ts";
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
  const parts = { left: sourceOf(left), right: sourceOf(right), place: compiler.place(node) };
  const site = new BinaryOperation(node.typename, operation, parts);
  return compiledAt(site);
}

const ADD = 0;
const SUBTRACT = 1;
const MULTIPLY = 2;
const CONCATENATE = 3;
const OTHER = 4;
const OPERATORS: Readonly<Record<string, number>> = { Add: ADD, Sub: SUBTRACT, Mul: MULTIPLY, Concat: CONCATENATE };

/** An operator and its two sides. What templates do most, and what needs no rules, is done here; the rest by its function. */
class BinaryOperation {
  declare readonly left: Source;
  declare readonly right: Source;
  declare readonly operator: number;
  declare readonly operation: Operation;
  declare readonly place: TemplatePlace;

  constructor(name: string, operation: Operation, parts: { left: Source; right: Source; place: TemplatePlace }) {
    this.left = parts.left;
    this.right = parts.right;
    this.operator = OPERATORS[name] ?? OTHER;
    this.operation = operation;
    this.place = parts.place;
  }

  value(slots: Slots): unknown {
    const { left } = this;
    const a = left.site === null ? left.read(slots) : left.site.value(slots);
    const b = this.right.read(slots);
    const { operator, operation } = this;
    if (typeof a === "number" && typeof b === "number") {
      if (operator === ADD) return a + b;
      if (operator === MULTIPLY) return a * b;
      if (operator === SUBTRACT) return a - b;
    } else if (operator === CONCATENATE && typeof a === "string" && (typeof b === "string" || typeof b === "number")) {
      return this.#bounded(a + b, slots);
    }
    const value = operation(a, b);
    return typeof value === "string" ? this.#bounded(value, slots) : value;
  }

  #bounded(text: string, slots: Slots): string {
    if (text.length >= LONG_TEXT_CHARS) slots[0].run.checkText(text, "joining texts", this.place);
    return text;
  }
}

/** `or` and `and` yield one of their operands; the left one is only asked. */
export function compileLogic(node: Binary, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const left = sourceOf(compiler.expression(node.left, scope, ASKED));
  const right = sourceOf(scope.unit.kept.maybe(() => compiler.expression(node.right, scope, use)));
  return node.typename === "Or"
    ? { code: (slots) => left.read(slots) || right.read(slots) }
    : { code: (slots) => left.read(slots) && right.read(slots) };
}

export function compileUnary(node: Unary, scope: Scope): Compiled {
  const { compiler } = scope;
  if (node.typename === "Not") {
    const target = compiler.expression(node.target, scope, ASKED);
    if (target.constant !== undefined) return constantOf(!target.constant.value);
    const value = sourceOf(target);
    return asking(target.source, "falsy") ?? { code: (slots) => !value.read(slots) };
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
  const inCase = (branch: Expr) => scope.unit.kept.maybe(() => compiler.expression(branch, scope, use));
  const body = inCase(node.body);
  const otherwise = node.else_ === null ? emptyText : inCase(node.else_);
  const isOwnText = [body, otherwise].every((branch) => branch.constant !== undefined || branch.isOwnText === true);
  const chosen = sourceOf(body);
  const other = sourceOf(otherwise);
  const code: Code = (slots) => (condition.read(slots) ? chosen : other).read(slots);
  return { code, isOwnText };
}

export function compileIn(node: Binary, scope: Scope): Compiled {
  const { compiler } = scope;
  const left = compiler.operand(node.left, scope);
  const needle = sourceOf(left);
  const haystack = compiler.operand(node.right, scope);
  const { items } = haystack;
  if (items !== undefined && !items.some(isLongText))
    return asking(left.source, "one of", items) ?? { code: (slots) => isOneOf(items, comparable(needle.read(slots))) };
  const place = compiler.place(node);
  const source = sourceOf(haystack);
  return {
    code: (slots) => {
      const wanted = needle.read(slots);
      const searched = source.read(slots);
      slots[0].run.chargeValue(searched, place);
      return isIn(wanted, searched);
    },
  };
}
