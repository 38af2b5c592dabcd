import { TemplateFault } from "#render/fault.ts";
import { arrayMethods, objectMethods, stringMethods, type Method } from "#render/values/methods.ts";
import { CallerFunction, HostFunction, isTextFunction, MacroFunction } from "#render/macro-function.ts";
import { Keywords } from "#render/values/keywords.ts";
import { isLongText, stepsOfText } from "#render/values/meter.ts";
import { Marked } from "#render/values/marked.ts";
import { toText } from "#render/values/operators.ts";
import { RegexLiteral } from "#render/values/regex-literal.ts";
import { SafeString } from "#render/values/safe-string.ts";
import type { Run } from "#render/run.ts";

/**
 * Values of the engine itself: a template may pass them on and call them, and sees no members. They have no properties of their own:
 * what they know is private, so no look-up, loop or filter finds anything.
 */
const OPAQUE = [CallerFunction, HostFunction, Keywords, MacroFunction, Marked, RegexLiteral, SafeString];

/**
 * Keys that some prototype has, or a value of the engine. Any other key on a value from JSON can only be an own property, so compiled
 * code reads it without asking; these go through `memberOf`, which asks. Functions need no place here: they are no objects to it.
 */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(
  [Object, Array, String, Number, Boolean, Map, Set, ...OPAQUE]
    .flatMap((constructor) => Object.getOwnPropertyNames(constructor.prototype))
    .concat(Object.keys(stringMethods), Object.keys(arrayMethods), Object.keys(objectMethods)),
);

export const isPlainKey = (key: string): boolean => !PROTOTYPE_KEYS.has(key) && !/^\d/.test(key);

/** A member of a value: own data properties, characters, items, and the methods of the allow-list; else undefined. */
export function memberOf(run: Run, target: unknown, key: unknown): unknown {
  if (typeof target === "string") return memberOfString(run, target, key);
  if (typeof target !== "object" || target === null) return undefined;
  if (target instanceof SafeString) return memberOfString(run, target.toString(), key);
  if (target instanceof Marked) return target.refuse();
  if (isTextFunction(target) || target instanceof HostFunction || target instanceof RegexLiteral) return undefined;
  if (target instanceof Keywords) return undefined;
  if (Array.isArray(target)) {
    if (typeof key === "number") return target[key];
    const name = toText(key);
    if (Object.hasOwn(target, name)) return (target as unknown as Record<string, unknown>)[name];
    return bind(run, methodNamed(arrayMethods, name), target);
  }
  const name = toText(key);
  if (Object.hasOwn(target, name)) return (target as Record<string, unknown>)[name];
  if (target instanceof Map || target instanceof Set) return name === "size" ? target.size : undefined;
  const method = run.host.isJinja ? methodNamed(objectMethods, name) : undefined;
  return bind(run, method, target as Record<string, unknown>);
}

/** No text has characters behind those that so many digits count. */
const INDEX_CHARS_MAX = 16;

function memberOfString(run: Run, target: string, key: unknown): unknown {
  if (typeof key === "number") return target[key];
  const name = toText(key);
  if (name === "length") return target.length;
  if (name.length <= INDEX_CHARS_MAX && /^(0|[1-9]\d*)$/.test(name)) return target[Number(name)];
  return bind(run, methodNamed(stringMethods, name), target);
}

const methodNamed = <T>(methods: Record<string, Method<T>>, name: string): Method<T> | undefined =>
  Object.hasOwn(methods, name) ? methods[name] : undefined;

function bind<T>(run: Run, method: Method<T> | undefined, target: T): unknown {
  if (method === undefined) return undefined;
  return (...args: unknown[]) => {
    run.chargeValue(target);
    const result = method(run, target, args);
    if (isLongText(result)) run.charge(4 * stepsOfText(result.length));
    else if (Array.isArray(result)) run.charge(result.length >>> 1);
    return result;
  };
}

/** Python's `list[start:stop:step]`, as Nunjucks' Jinja mode does it: always a list, also of a text's characters. */
export function sliceOf(run: Run, target: unknown, range: readonly [unknown, unknown, unknown]): unknown[] {
  const source = target instanceof SafeString ? target.toString() : (target ?? []);
  const length = typeof source === "string" || Array.isArray(source) ? source.length : 0;
  const step = Number(range[2]);
  if (step === 0 || Number.isNaN(step)) {
    throw new TemplateFault({ code: "type", message: "a slice cannot step by zero", action: "Give a step." });
  }
  let start = range[0] === null ? (step < 0 ? length - 1 : 0) : Number(range[0]);
  let stop = range[1] === null ? (step < 0 ? -1 : length) : Number(range[1]);
  if (range[1] !== null && stop < 0) stop += length;
  if (start < 0) start += length;
  const items: unknown[] = [];
  for (let i = start; i >= 0 && i <= length && (step > 0 ? i < stop : i > stop); i += step) {
    run.charge(1);
    items.push(memberOf(run, source, i));
  }
  return items;
}
