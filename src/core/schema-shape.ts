import { type Json, type JsonObject, isJsonObject, pointerToken } from "#core/json.ts";
import { FORBIDDEN_KEYS } from "#core/request-body.ts";

/** `pointer` is into schema.json. */
export type ShapeProblem = { pointer: string; message: string };

const TYPES = ["object", "array", "string", "integer", "number", "boolean", "null"];

type Wanted = { says: string; holds: (value: Json) => boolean };
const isText = (value: Json) => typeof value === "string";
const isSchema = (value: Json) => isJsonObject(value) || typeof value === "boolean";
const isType = (value: Json) => typeof value === "string" && TYPES.includes(value);
const isSet = (value: Json, holds: (item: Json) => boolean) =>
  Array.isArray(value) &&
  value.every(holds) &&
  new Set(value.map((item) => JSON.stringify(item))).size === value.length;

const schema: Wanted = { says: "a schema: an object", holds: isSchema };
const schemaList: Wanted = {
  says: "a list of schemas, one at least",
  holds: (value) => Array.isArray(value) && value.length > 0 && value.every(isSchema),
};
const group: Wanted = { says: "an object", holds: isJsonObject };
const number: Wanted = { says: "a number", holds: (value) => typeof value === "number" };
const text: Wanted = { says: "a text", holds: isText };
const flag: Wanted = { says: "true or false", holds: (value) => typeof value === "boolean" };
const texts: Wanted = { says: "a list of different texts", holds: (value) => isSet(value, isText) };
const count: Wanted = {
  says: "a whole number from 0 on",
  holds: (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0,
};

const HOLDS_ONE = ["items", "additionalProperties", "propertyNames", "contains", "not", "if", "then", "else"];
const HOLDS_SEVERAL = ["allOf", "anyOf", "oneOf", "prefixItems"];

/** What JSON Schema 2020-12 (draft-07 for `definitions`) wants a keyword's value to be, as its meta-schema says it. */
const KEYWORDS = new Map<string, Wanted>([
  [
    "type",
    {
      says: `one of ${TYPES.join(", ")}, or a list of them`,
      holds: (value) => isType(value) || (isSet(value, isType) && value !== null && (value as Json[]).length > 0),
    },
  ],
  [
    "enum",
    {
      says: "a list of different values, one at least",
      holds: (value) => isSet(value, () => true) && (value as Json[]).length > 0,
    },
  ],
  ["required", texts],
  ["examples", { says: "a list", holds: Array.isArray }],
  ...["properties", "$defs", "definitions", "dependentSchemas", "x-depends-on", "x-generate"].map(
    (key) => [key, group] as const,
  ),
  ...HOLDS_ONE.map((key) => [key, schema] as const),
  ...HOLDS_SEVERAL.map((key) => [key, schemaList] as const),
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"].map((key) => [key, number] as const),
  ...["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"].map(
    (key) => [key, count] as const,
  ),
  ["multipleOf", { says: "a number above 0", holds: (value) => typeof value === "number" && value > 0 }],
  ...["pattern", "format", "title", "description", "$ref", "x-category"].map((key) => [key, text] as const),
  ...["uniqueItems", "deprecated", "x-sensitive", "x-confman-secret-ref", "x-confman-immutable"].map(
    (key) => [key, flag] as const,
  ),
]);

const PAIRS = [
  ["minimum", "maximum"],
  ["minLength", "maxLength"],
  ["minItems", "maxItems"],
  ["minProperties", "maxProperties"],
] as const;
/** Keywords below which stand names that lead to schemas, and those that hold schemas themselves. */
const NAMED = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
const NESTED = new Set([...HOLDS_ONE, ...HOLDS_SEVERAL]);

/**
 * Checks a schema as a schema: a keyword whose value has another shape than the specification gives it is silently ignored by
 * validators, and then a decision is judged by less than its author wrote. The schema's depth is bounded by who read the file.
 */
export function checkSchemaShape(root: JsonObject): ShapeProblem[] {
  const problems: ShapeProblem[] = [];
  const visitAll = (value: Json, pointer: string): void => {
    if (Array.isArray(value)) value.forEach((item, index) => visit(item, `${pointer}/${index}`));
    else visit(value, pointer);
  };
  const visit = (node: Json, pointer: string): void => {
    if (!isJsonObject(node)) return;
    for (const [key, value] of Object.entries(node)) {
      const at = `${pointer}/${pointerToken(key)}`;
      const wanted = KEYWORDS.get(key);
      if (wanted && !wanted.holds(value)) problems.push({ pointer: at, message: `${key} must be ${wanted.says}` });
      else if (NAMED.has(key) && isJsonObject(value)) visitNamed(value, at);
      else if (NESTED.has(key)) visitAll(value, at);
    }
    for (const [low, high] of PAIRS) {
      const [from, to] = [node[low], node[high]];
      if (typeof from === "number" && typeof to === "number" && from > to)
        problems.push({ pointer: `${pointer}/${low}`, message: `${low} ${from} is above ${high} ${to}: nothing fits` });
    }
  };
  const visitNamed = (named: JsonObject, pointer: string): void => {
    for (const [name, value] of Object.entries(named)) {
      const at = `${pointer}/${pointerToken(name)}`;
      if (FORBIDDEN_KEYS.has(name))
        problems.push({ pointer: at, message: `nothing can be called ${name}: JavaScript gives that name a meaning` });
      else if (isSchema(value)) visit(value, at);
      else problems.push({ pointer: at, message: "must be a schema: an object" });
    }
  };
  visit(root, "");
  return problems;
}
