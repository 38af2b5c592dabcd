import { TemplateFault } from "#render/fault.ts";
import type { Run } from "#render/run.ts";
import { strictEquals, toNumber, toText } from "#render/values/operators.ts";
import { printedText } from "#render/values/printed-text.ts";

/** A method that templates may call on a value. None of them changes its target: a render must not change its inputs. */
export type Method<T> = (run: Run, target: T, args: readonly unknown[]) => unknown;

const text = (args: readonly unknown[], index: number) => toText(args[index]);
const optionalNumber = (args: readonly unknown[], index: number) =>
  args[index] === undefined ? undefined : toNumber(args[index]);

const split: Method<string> = (_run, target, args) =>
  args[0] === undefined ? target.split(/\s+/).filter(Boolean) : target.split(text(args, 0), optionalNumber(args, 1));

const replaceAll = (run: Run, target: string, change: { from: string; to: string; onlyFirst: boolean }) => {
  const { from, to } = change;
  const count = change.onlyFirst ? 1 : target.split(from).length - 1;
  run.charge(count);
  run.checkString(target.length + count * to.length, "replace()");
  return change.onlyFirst ? target.replace(from, () => to) : target.replaceAll(from, () => to);
};

const pad = (run: Run, args: readonly unknown[]): [number, string] => {
  const width = toNumber(args[0]);
  run.checkString(width, "padding");
  return [width, args[1] === undefined ? " " : text(args, 1)];
};

export const stringMethods: Record<string, Method<string>> = {
  toUpperCase: (_run, target) => target.toUpperCase(),
  toLowerCase: (_run, target) => target.toLowerCase(),
  trim: (_run, target) => target.trim(),
  trimStart: (_run, target) => target.trimStart(),
  trimEnd: (_run, target) => target.trimEnd(),
  startsWith: (_run, target, args) => target.startsWith(text(args, 0)),
  endsWith: (_run, target, args) => target.endsWith(text(args, 0)),
  includes: (_run, target, args) => target.includes(text(args, 0)),
  indexOf: (_run, target, args) => target.indexOf(text(args, 0)),
  lastIndexOf: (_run, target, args) => target.lastIndexOf(text(args, 0)),
  charAt: (_run, target, args) => target.charAt(toNumber(args[0] ?? 0)),
  at: (_run, target, args) => target.at(toNumber(args[0] ?? 0)),
  slice: (_run, target, args) => target.slice(optionalNumber(args, 0), optionalNumber(args, 1)),
  substring: (_run, target, args) => target.substring(optionalNumber(args, 0) ?? 0, optionalNumber(args, 1)),
  substr: (_run, target, args) => {
    const start = optionalNumber(args, 0) ?? 0;
    const from = start < 0 ? Math.max(0, target.length + start) : start;
    const count = optionalNumber(args, 1);
    return target.slice(from, count === undefined ? undefined : from + Math.max(0, count));
  },
  split,
  concat: (run, target, args) => {
    const parts = args.map((_, index) => text(args, index));
    run.checkString(
      parts.reduce((sum, part) => sum + part.length, target.length),
      "concat()",
    );
    return target + parts.join("");
  },
  repeat: (run, target, args) => {
    const count = toNumber(args[0] ?? 0);
    run.checkString(target.length * count, "repeat()");
    return target.repeat(Math.max(0, count));
  },
  padStart: (run, target, args) => target.padStart(...pad(run, args)),
  padEnd: (run, target, args) => target.padEnd(...pad(run, args)),
  replace: (run, target, args) => replaceAll(run, target, { from: text(args, 0), to: text(args, 1), onlyFirst: true }),
  replaceAll: (run, target, args) =>
    replaceAll(run, target, { from: text(args, 0), to: text(args, 1), onlyFirst: false }),
  toString: (_run: Run, target: string) => target,
};

const countOf: Method<unknown[]> = (_run, target, args) => target.filter((item) => strictEquals(item, args[0])).length;

export const arrayMethods: Record<string, Method<unknown[]>> = {
  includes: (_run, target, args) => target.includes(args[0]),
  indexOf: (_run, target, args) => target.indexOf(args[0]),
  lastIndexOf: (_run, target, args) => target.lastIndexOf(args[0]),
  find: (_run, target, args) => target.indexOf(args[0]),
  index: (_run, target, args) => {
    const index = target.indexOf(args[0]);
    if (index < 0) {
      throw new TemplateFault({
        code: "type",
        message: "the list has no such item",
        action: "Test it with `in` first.",
      });
    }
    return index;
  },
  count: countOf,
  at: (_run, target, args) => target.at(toNumber(args[0] ?? 0)),
  slice: (_run, target, args) => target.slice(optionalNumber(args, 0), optionalNumber(args, 1)),
  concat: (run, target, args) => {
    const items = args.reduce<unknown[]>((sum, arg) => sum.concat(arg), target);
    run.checkItems(items.length, "concat()");
    return items;
  },
  join: (run, target, args) => joinTexts(run, target, args[0] === undefined ? "," : text(args, 0)),
  toString: (run: Run, target: unknown[]) => printedText(run, target),
};

/** Joins the texts of items; null and undefined join as nothing, as JavaScript's own join does. */
export function joinTexts(run: Run, items: readonly unknown[], separator: string): string {
  run.charge(1 + (items.length << 2) + ((items.length * separator.length) >>> 4));
  run.checkString(items.length * separator.length, "join");
  let text = "";
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    const part = typeof item === "string" ? item : printedText(run, item);
    text = i === 0 ? part : text + separator + part;
    if (text.length > run.limits.stringChars) run.checkString(text.length, "join");
  }
  run.charge(text.length >>> 4);
  return text;
}

const STEPS_OF_ENTRY = 10;

/** The members of a mapping. */
export function entriesOf(run: Run, mapping: object): [string, unknown][] {
  const entries = Object.entries(mapping) as [string, unknown][];
  run.charge(entries.length * STEPS_OF_ENTRY);
  return entries;
}

export const objectMethods: Record<string, Method<Record<string, unknown>>> = {
  items: entriesOf,
  keys: (run, target) => entriesOf(run, target).map(([key]) => key),
  values: (run, target) => entriesOf(run, target).map(([, value]) => value),
  iteritems: entriesOf,
  iterkeys: (run, target) => entriesOf(run, target).map(([key]) => key),
  itervalues: (run, target) => entriesOf(run, target).map(([, value]) => value),
  has_key: (_run, target, args) => Object.hasOwn(target, text(args, 0)),
  get: (_run, target, args) => {
    const name = text(args, 0);
    const value = Object.hasOwn(target, name) ? target[name] : undefined;
    return value === undefined ? args[1] : value;
  },
};
