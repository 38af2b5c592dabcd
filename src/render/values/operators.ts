import { TemplateFault } from "#render/fault.ts";
import { charge, isLongText, stepsOfText } from "#render/values/meter.ts";
import { Marked } from "#render/values/marked.ts";
import { SafeString } from "#render/values/safe-string.ts";
import { textOf } from "#render/values/text.ts";

/**
 * JavaScript's operators on template values. They are Nunjucks' semantics; objects become primitives through `textOf` only, so
 * that no `toString` or `valueOf` inside data is ever called.
 */
type Primitive = string | number | boolean | null | undefined;

export function primitiveOf(value: unknown): Primitive {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value === "object") return value === null ? null : textOf(value);
  return typeof value === "function" ? textOf(value) : undefined;
}

/**
 * An operand of what makes numbers of texts, or compares them. Typed as a number because TypeScript refuses what JavaScript defines: `-`
 * and `<` on any two primitives.
 */
function numeric(value: unknown): number {
  const primitive = primitiveOf(value);
  // A long text of digits takes longer than to copy it.
  if (isLongText(primitive)) charge(primitive.length >>> 4);
  return primitive as number;
}

/** The text that JavaScript makes of a value: a member's name, an argument. */
export function toText(value: unknown): string {
  const text = String(primitiveOf(value));
  if (isLongText(text)) charge(stepsOfText(text.length));
  return text;
}

export const add = (a: unknown, b: unknown): unknown =>
  typeof a === "number" && typeof b === "number" ? a + b : (primitiveOf(a) as number) + (primitiveOf(b) as number);
export const subtract = (a: unknown, b: unknown): number =>
  typeof a === "number" && typeof b === "number" ? a - b : numeric(a) - numeric(b);
export const multiply = (a: unknown, b: unknown): number =>
  typeof a === "number" && typeof b === "number" ? a * b : numeric(a) * numeric(b);
export const divide = (a: unknown, b: unknown): number =>
  typeof a === "number" && typeof b === "number" ? a / b : numeric(a) / numeric(b);
export const modulo = (a: unknown, b: unknown): number => numeric(a) % numeric(b);
export const power = (a: unknown, b: unknown): number => Math.pow(numeric(a), numeric(b));
export const negate = (a: unknown): number => -numeric(a);
/** The number that JavaScript makes of a value. */
export const toNumber = (a: unknown): number => +numeric(a);
export const isLess = (a: unknown, b: unknown): boolean => numeric(a) < numeric(b);
export const isGreater = (a: unknown, b: unknown): boolean => numeric(a) > numeric(b);
export const isAtMost = (a: unknown, b: unknown): boolean => numeric(a) <= numeric(b);
export const isAtLeast = (a: unknown, b: unknown): boolean => numeric(a) >= numeric(b);

/** A marked decision may be compared: the answer is one bit, and `if` on it is what the mark allows. */
export const comparable = (value: unknown) => (value instanceof Marked ? Marked.reveal(value) : value);

const isReference = (value: unknown) => (typeof value === "object" && value !== null) || typeof value === "function";

export function looseEquals(left: unknown, right: unknown): boolean {
  const a = comparable(left);
  const b = comparable(right);
  if (isLongText(a) || isLongText(b)) chargeComparison(a, b);
  if (!isReference(a)) {
    // oxlint-disable-next-line eqeqeq -- Nunjucks compares as JavaScript does: '1' == 1
    return isReference(b) ? a !== null && a !== undefined && a == primitiveOf(b) : a == b;
  }
  if (isReference(b)) return a === b;
  // oxlint-disable-next-line eqeqeq
  return b !== null && b !== undefined && primitiveOf(a) == b;
}

export function strictEquals(left: unknown, right: unknown): boolean {
  const a = comparable(left);
  const b = comparable(right);
  if (isLongText(a)) chargeComparison(a, b);
  return a === b;
}

/** Texts of different lengths are told apart at once; a text and a number are compared as numbers. */
function chargeComparison(a: unknown, b: unknown): void {
  if (typeof a !== "string") charge((b as string).length >>> 4);
  else if (typeof b !== "string") charge(a.length >>> 4);
  else if (a.length === b.length) charge(stepsOfText(a.length));
}

/** Nunjucks' `in`: members of a list, parts of a text, keys of a mapping. */
export function isIn(needle: unknown, haystack: unknown): boolean {
  const wanted = comparable(needle);
  if (Array.isArray(haystack)) return haystack.some((item) => comparable(item) === wanted);
  if (typeof haystack === "string" || haystack instanceof SafeString) {
    return haystack.toString().includes(toText(needle));
  }
  if (haystack instanceof Map || haystack instanceof Set) return haystack.has(wanted);
  if (typeof haystack === "object" && haystack !== null && !(haystack instanceof Marked)) {
    return Object.hasOwn(haystack, toText(needle));
  }
  if (haystack instanceof Marked) return haystack.refuse();
  throw new TemplateFault({
    code: "type",
    message: `"in" looks into lists, texts and mappings, not into ${haystack === null ? "null" : typeof haystack}`,
    action: "Check the value on the right of `in`.",
  });
}
