import { typeFault } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { isAtLeast, isAtMost, isGreater, isLess, modulo, strictEquals } from "#render/values/operators.ts";
import { CapturedText, SafeString } from "#render/values/safe-string.ts";

/** A test: the value before `is`, and the argument. Nunjucks counts only `true` as passed. */
export type IsTest = (run: Run, value: unknown, argument: unknown) => unknown;

function requireText(run: Run, test: string, value: unknown): string {
  if (typeof value !== "string" && !(value instanceof SafeString)) throw typeFault(`is ${test}`, "a text", value);
  run.chargeValue(value);
  return value.toString();
}

const isEqual: IsTest = (_run, value, argument) => strictEquals(value, argument);
const isGreaterThan: IsTest = (_run, value, argument) => isGreater(value, argument);
const isLessThan: IsTest = (_run, value, argument) => isLess(value, argument);

const isIterable: IsTest = (_run, value) => {
  if (value === null || value === undefined) throw typeFault("is iterable", "a value", value);
  return (
    typeof value === "string" || (typeof value === "object" && Symbol.iterator in value) || value instanceof SafeString
  );
};

export const isTests: Readonly<Record<string, IsTest>> = {
  callable: (_run, value) => typeof value === "function",
  defined: (_run, value) => value !== undefined,
  divisibleby: (_run, value, argument) => modulo(value, argument) === 0,
  escaped: (_run, value) => value instanceof SafeString && !(value instanceof CapturedText),
  eq: isEqual,
  equalto: isEqual,
  even: (_run, value) => modulo(value, 2) === 0,
  falsy: (_run, value) => !value,
  ge: (_run, value, argument) => isAtLeast(value, argument),
  greaterthan: isGreaterThan,
  gt: isGreaterThan,
  iterable: isIterable,
  le: (_run, value, argument) => isAtMost(value, argument),
  lessthan: isLessThan,
  lower: (run, value) => requireText(run, "lower", value).toLowerCase() === String(value),
  lt: isLessThan,
  mapping: (_run, value) =>
    value !== null && typeof value === "object" && !Array.isArray(value) && !(value instanceof Set),
  ne: (_run, value, argument) => !strictEquals(value, argument),
  null: (_run, value) => value === null,
  number: (_run, value) => typeof value === "number",
  odd: (_run, value) => modulo(value, 2) === 1,
  sameas: isEqual,
  string: (_run, value) => typeof value === "string" || value instanceof CapturedText,
  truthy: (_run, value) => Boolean(value),
  undefined: (_run, value) => value === undefined,
  upper: (run, value) => requireText(run, "upper", value).toUpperCase() === String(value),
};

export const TEST_NAMES: readonly string[] = Object.keys(isTests);
