import { TemplateFault } from "#render/fault.ts";
import { type Filter, isMapping, itemsOf, requireList, typeFault } from "#render/filters/filter.ts";
import { isTests, type IsTest } from "#render/is-tests.ts";
import type { Run } from "#render/run.ts";
import { bindKeywords } from "#render/values/keywords.ts";
import { memberOf } from "#render/values/member.ts";
import { entriesOf, joinTexts } from "#render/values/methods.ts";
import { add, isGreater, isLess, strictEquals, toNumber, toText } from "#render/values/operators.ts";
import { SafeString } from "#render/values/safe-string.ts";
import { textOf } from "#render/values/text.ts";

/** A list of the items, copied, or of a text's characters; nothing is the empty list: Nunjucks' `lib.map`. */
const copyOf = (value: unknown): unknown[] =>
  value === null || value === undefined ? [] : [...itemsOf("list", value)];

/** Reads `a.b.c` through own properties; undefined where a part is missing, and a fault where there is nothing to look into. */
const attributeGetter = (attribute: unknown) => {
  const parts = typeof attribute === "string" ? attribute.split(".") : attribute ? [attribute] : [];
  return (item: unknown): unknown => {
    let value = item;
    for (const part of parts) {
      if (value === null || value === undefined) throw typeFault("attribute", "a mapping", value);
      if (typeof value !== "object") return undefined;
      const key = toText(part);
      if (!Object.hasOwn(value, key)) return undefined;
      value = (value as Record<string, unknown>)[key];
    }
    return value;
  };
};

const batch: Filter = (run, input, { 0: count, 1: fill }) => {
  const items = itemsOf("batch", input);
  run.charge(items.length);
  const size = toNumber(count);
  if (fill) run.checkItems(size, "batch");
  const rows: unknown[][] = [];
  let row: unknown[] = [];
  items.forEach((item, index) => {
    if (index % size === 0 && row.length > 0) {
      rows.push(row);
      row = [];
    }
    row.push(item);
  });
  if (row.length === 0) return rows;
  if (fill) while (row.length < size) row.push(fill);
  rows.push(row);
  return rows;
};

const slice: Filter = (run, input, { 0: count, 1: fill }) => {
  const isText = typeof input === "string" || input instanceof SafeString;
  const source = isText ? input.toString() : requireList("slice", input);
  const slices = toNumber(count);
  run.checkItems(Math.max(0, slices || 0), "slice");
  const length = Math.floor(source.length / slices);
  const extra = source.length % slices;
  const rows: unknown[] = [];
  let offset = 0;
  for (let i = 0; i < slices; i++) {
    const start = offset + i * length;
    if (i < extra) offset++;
    const part = source.slice(start, offset + (i + 1) * length);
    if (fill && i >= extra) {
      if (typeof part === "string") throw typeFault("slice", "a list", input);
      rows.push([...part, fill]);
    } else rows.push(part);
  }
  return rows;
};

const compareBy = (isLower: boolean) => (a: unknown, b: unknown) => {
  const x = isLower && typeof a === "string" && typeof b === "string" ? a.toLowerCase() : a;
  const y = isLower && typeof a === "string" && typeof b === "string" ? b.toLowerCase() : b;
  return isLess(x, y) ? -1 : isGreater(x, y) ? 1 : 0;
};

const sort: Filter = (run, value, args) => {
  const [input, isReversed, isCaseSensitive, attribute] = bindKeywords([value, ...args], SORT_PARAMETERS);
  const items = copyOf(input);
  run.charge(2 * items.length * Math.ceil(Math.log2(items.length + 2)));
  const get = attribute ? attributeGetter(attribute) : (item: unknown) => item;
  const compare = compareBy(!isCaseSensitive);
  if (attribute && run.host.throwOnUndefined && items.length > 1 && items.some((item) => get(item) === undefined)) {
    throw missingAttribute("sort", attribute);
  }
  return items.sort((a, b) => (isReversed ? -compare(get(a), get(b)) : compare(get(a), get(b))));
};
const SORT_PARAMETERS = ["value", "reverse", "case_sensitive", "attribute"];

const missingAttribute = (filter: string, attribute: unknown) =>
  new TemplateFault({
    code: "undefined",
    message: `${filter}: attribute "${textOf(attribute)}" resolved to undefined`,
    action: "Give every item this attribute, or select those that have it.",
  });

const dictsort: Filter = (run, input, { 0: isCaseSensitive, 1: by }) => {
  if (!isMapping(input)) throw typeFault("dictsort", "a mapping", input);
  if (by !== undefined && by !== "key" && by !== "value") {
    throw new TemplateFault({
      code: "filter_argument",
      message: "dictsort sorts by key or by value",
      action: 'Write "key" or "value".',
    });
  }
  const pairs = entriesOf(run, input);
  run.charge(2 * pairs.length * Math.ceil(Math.log2(pairs.length + 2)));
  const index = by === "value" ? 1 : 0;
  const folded = pairs.map((pair) => {
    const key = pair[index];
    return { pair, key: !isCaseSensitive && typeof key === "string" ? key.toUpperCase() : key };
  });
  folded.sort((left, right) => (isGreater(left.key, right.key) ? 1 : strictEquals(left.key, right.key) ? 0 : -1));
  return folded.map(({ pair }) => pair);
};

const groupby: Filter = (run, input, { 0: attribute }) => {
  const get = attributeGetter(attribute);
  const groups = Object.create(null) as Record<string, unknown[]>;
  const items = itemsOf("groupby", input);
  run.charge(items.length);
  for (const item of items) {
    const key = get(item);
    if (key === undefined && run.host.throwOnUndefined) throw missingAttribute("groupby", attribute);
    (groups[toText(key)] ??= []).push(item);
  }
  return groups;
};

const join: Filter = (run, input, { 0: separator, 1: attribute }) => {
  const items = attribute ? copyOf(input).map((item) => attributeOf(run, item, attribute)) : requireList("join", input);
  return joinTexts(run, items, separator ? textOf(separator) : "");
};

function attributeOf(run: Run, item: unknown, attribute: unknown): unknown {
  if (item === null || item === undefined) throw typeFault("attribute", "a mapping", item);
  return memberOf(run, item, attribute);
}

const length: Filter = (run, input) => {
  if (input === null || input === undefined || input === false) return 0;
  if (typeof input === "string" || Array.isArray(input) || input instanceof SafeString) return input.length;
  if (input instanceof Map || input instanceof Set) return input.size;
  return typeof input === "object" ? entriesOf(run, input).length : undefined;
};

const list: Filter = (run, input) => {
  if (typeof input === "string" || input instanceof SafeString) return input.toString().split("");
  if (Array.isArray(input)) return input;
  if (isMapping(input)) return entriesOf(run, input).map(([key, value]) => ({ key, value }));
  throw typeFault("list", "a list, a text or a mapping", input);
};

const reverse: Filter = (_run, input) =>
  typeof input === "string" ? input.split("").reverse().join("") : copyOf(input).reverse();

const sum: Filter = (run, input, { 0: attribute, 1: start }) => {
  const items = attribute ? copyOf(input).map((item) => attributeOf(run, item, attribute)) : requireList("sum", input);
  let total: unknown = 0;
  for (const item of items) {
    total = add(total, item);
    if (typeof total === "string") run.checkString(total.length, "sum");
  }
  return add(start === undefined ? 0 : start, total);
};

/** Some tests make a number of their value. */
const STEPS_OF_TEST = 3;

const selectBy =
  (isKept: boolean): Filter =>
  (run, input, { 0: name, 1: argument }) => {
    const test = testNamed(name === undefined ? "truthy" : name);
    const items = itemsOf("select", input);
    run.charge(items.length * STEPS_OF_TEST);
    return items.filter((item) => test(run, item, argument) === isKept);
  };

export function testNamed(name: unknown): IsTest {
  const test = typeof name === "string" && Object.hasOwn(isTests, name) ? isTests[name] : undefined;
  if (test !== undefined) return test;
  throw new TemplateFault({
    code: "unknown_test",
    message: `there is no test "${textOf(name)}"`,
    action: `Use one of: ${Object.keys(isTests).join(", ")}.`,
  });
}

const selectByAttribute =
  (isKept: boolean): Filter =>
  (run, input, { 0: attribute }) =>
    requireList("selectattr", input).filter((item) => Boolean(attributeOf(run, item, attribute)) === isKept);

const first: Filter = (run, input) =>
  Array.isArray(input) ? (input[0] as unknown) : endOf("first", { run, input, end: 0 });

const last: Filter = (run, input) =>
  Array.isArray(input) ? (input[input.length - 1] as unknown) : endOf("last", { run, input, end: -1 });

function endOf(filter: string, { run, input, end }: { run: Run; input: unknown; end: 0 | -1 }): unknown {
  if (input === null || input === undefined) throw typeFault(filter, "a list", input);
  if (typeof input === "string" || input instanceof SafeString) return input.toString().at(end);
  const items = itemsOf(filter, input);
  return isMapping(input) ? memberOf(run, input, end) : items.at(end);
}

export const listFilters: Record<string, Filter> = {
  batch,
  dictsort,
  first,
  groupby,
  join,
  last,
  length,
  list,
  reject: selectBy(false),
  rejectattr: selectByAttribute(false),
  reverse,
  select: selectBy(true),
  selectattr: selectByAttribute(true),
  slice,
  sort,
  sum,
};
