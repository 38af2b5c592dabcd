import type { SchemaChange } from "#core/compatibility/schema-change.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject } from "#core/json.ts";

type At = { pointer: string; path: string };

/** What changed in the keywords of one decision that both schemas have. */
export function keywordChanges(old: JsonObject, next: JsonObject, at: At): SchemaChange[] {
  const change = (code: SchemaChange["code"], level: SchemaChange["level"], text: string): SchemaChange => ({
    code,
    decision: at.pointer,
    level,
    message: `\`${at.path}\` ${text}.`,
  });
  const typed = typeChange(old, next);
  if (typed === "retyped")
    return [change("retyped", "major", `was ${shown(old["type"])} and is ${shown(next["type"])}`)];
  const changes: SchemaChange[] = [];
  if (typed === "widened") changes.push(change("widened", "minor", `takes ${shown(next["type"])} now`));
  changes.push(...boundChanges(old, next, change));
  if (!isSame(old["default"], next["default"])) changes.push(defaultChange(old, next, change));
  if (next["x-confman-immutable"] === true && old["x-confman-immutable"] !== true)
    changes.push(change("became_immutable", "major", "can be set only once now"));
  if (next["x-confman-secret-ref"] === true && old["x-confman-secret-ref"] !== true)
    changes.push(change("became_secret", "major", "takes only a reference to a stored secret now"));
  if (next["x-confman-deprecated"] !== undefined && old["x-confman-deprecated"] === undefined)
    changes.push(change("deprecated", "minor", "is deprecated"));
  changes.push(...environmentChanges(old, next, change));
  if (["title", "description"].some((keyword) => !isSame(old[keyword], next[keyword])))
    changes.push(change("described", "patch", "is described in other words"));
  return changes;
}

type Change = (code: SchemaChange["code"], level: SchemaChange["level"], text: string) => SchemaChange;

const isSame = (a: Json | undefined, b: Json | undefined) =>
  a === b || (a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b));
const shown = (value: Json | undefined) =>
  value === undefined ? "anything" : typeof value === "string" ? value : JSON.stringify(value);
const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const numberAt = (node: JsonObject, keyword: string) => (typeof node[keyword] === "number" ? node[keyword] : undefined);

function typeChange(old: JsonObject, next: JsonObject): "same" | "widened" | "retyped" {
  const [before, after] = [listOf(old["type"]), listOf(next["type"])];
  if (after.length === 0) return before.length === 0 ? "same" : "widened";
  if (before.length === 0) return "retyped";
  const takes = (type: Json) => after.includes(type) || (type === "integer" && after.includes("number"));
  if (!before.every(takes)) return "retyped";
  return before.length === after.length && before.every((type) => after.includes(type)) ? "same" : "widened";
}

function defaultChange(old: JsonObject, next: JsonObject, change: Change): SchemaChange {
  if (next["default"] === undefined)
    return change("default_changed", "major", `has no default any more (it was ${shown(old["default"])})`);
  if (old["default"] === undefined)
    return change("default_changed", "minor", `has the default ${shown(next["default"])} now`);
  return change(
    "default_changed",
    "minor",
    `is ${shown(next["default"])} by default instead of ${shown(old["default"])}`,
  );
}

/** Keywords that let less in when their number grows, and those that do when it falls. */
const LOWER_BOUNDS = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const UPPER_BOUNDS = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
/** Keywords whose values cannot be compared: another one may refuse what the former let in. */
const OPAQUE = [
  "pattern",
  "format",
  "multipleOf",
  "propertyNames",
  "contains",
  "if",
  "then",
  "else",
  "not",
  "anyOf",
  "oneOf",
  "dependentRequired",
  "dependentSchemas",
];

function boundChanges(old: JsonObject, next: JsonObject, change: Change): SchemaChange[] {
  const narrowed: string[] = [];
  const widened: string[] = [];
  const compare = (keyword: string, isLower: boolean): void => {
    const [before, after] = [numberAt(old, keyword), numberAt(next, keyword)];
    if (before === after) return;
    const isNarrower = after !== undefined && (before === undefined || (isLower ? after > before : after < before));
    (isNarrower ? narrowed : widened).push(`${keyword} ${after ?? "gone"}`);
  };
  for (const keyword of LOWER_BOUNDS) compare(keyword, true);
  for (const keyword of UPPER_BOUNDS) compare(keyword, false);
  for (const keyword of OPAQUE) {
    if (isSame(old[keyword], next[keyword])) continue;
    (next[keyword] === undefined ? widened : narrowed).push(keyword);
  }
  if (next["uniqueItems"] === true && old["uniqueItems"] !== true) narrowed.push("uniqueItems");
  const options = [allowedValues(old), allowedValues(next)] as const;
  compareOptions(options, { narrowed, widened });
  const isOpen = (node: JsonObject) =>
    node["additionalProperties"] === true || isJsonObject(node["additionalProperties"]);
  if (isOpen(old) && !isOpen(next)) narrowed.push("additionalProperties closed");
  if (!isOpen(old) && isOpen(next)) widened.push("additionalProperties open");
  if (isJsonObject(old["items"]) && isJsonObject(next["items"])) {
    const below = keywordChanges(old["items"], next["items"], { pointer: "", path: "" });
    if (below.some(({ level }) => level === "major")) narrowed.push("items");
    else if (below.some(({ level }) => level === "minor")) widened.push("items");
  }
  return [
    ...(narrowed.length > 0 ? [change("narrowed", "major", `takes less than before (${narrowed.join(", ")})`)] : []),
    ...(widened.length > 0 ? [change("widened", "minor", `takes more than before (${widened.join(", ")})`)] : []),
  ];
}

const allowedValues = (node: JsonObject): Json[] | null =>
  node["const"] !== undefined ? [node["const"]] : Array.isArray(node["enum"]) ? node["enum"] : null;

function compareOptions(
  [before, after]: readonly [Json[] | null, Json[] | null],
  { narrowed, widened }: { narrowed: string[]; widened: string[] },
): void {
  if (before === null && after === null) return;
  if (before === null) return void narrowed.push("a list of values");
  if (after === null) return void widened.push("any value");
  const without = (values: Json[], others: Json[]) =>
    values.filter((value) => !others.some((other) => isSame(value, other)));
  const [gone, fresh] = [without(before, after), without(after, before)];
  if (gone.length > 0) narrowed.push(`without ${gone.map((value) => JSON.stringify(value)).join(", ")}`);
  if (fresh.length > 0) widened.push(`also ${fresh.map((value) => JSON.stringify(value)).join(", ")}`);
}

function environmentChanges(old: JsonObject, next: JsonObject, change: Change): SchemaChange[] {
  const keyword = "x-confman-allowed-environments";
  if (isSame(old[keyword], next[keyword]) || !Array.isArray(next[keyword])) return [];
  const before = old[keyword];
  const isWider = Array.isArray(before) && before.every((name) => listOf(next[keyword]).includes(name));
  return isWider
    ? [change("widened", "minor", "may be set in more environments")]
    : [change("narrowed", "major", "may be set in fewer environments")];
}
