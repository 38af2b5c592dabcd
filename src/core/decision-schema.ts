import { type OutputUnit, type Schema, Validator, format as formatChecks } from "@cfworker/json-schema";
import { RE2JS } from "re2js";
import type { Finding } from "#core/finding.ts";
import { type JsonPosition, jsonPositions, nearestPosition } from "#core/json-position.ts";
import { type Json, type JsonObject, isJsonObject, pointerToken } from "#core/json.ts";
import { type Result, err, ok } from "#core/result.ts";

/**
 * A pack's `schema.json`, ready to judge `config_data`: JSON Schema 2020-12 (draft-07 is accepted) by its `$schema`.
 * `violations` lists leaf errors only, all of them; `children` answers what may stand below a node.
 */
export type DecisionSchema = {
  readonly root: JsonObject;
  violations(instance: JsonObject): OutputUnit[];
  /** Subschemas of a property wherever the schema mentions it, conditional branches included. */
  mentioned(node: JsonObject): Map<string, JsonObject[]>;
  /** Subschemas that always apply to a property: own, through `$ref`, and through `allOf`. */
  properties(node: JsonObject): Map<string, JsonObject>;
  /** The node with the keywords of its `$ref` and `allOf` folded in; its own keywords win. */
  folded(node: JsonObject): JsonObject;
};

const REF_DEPTH_MAX = 16;
const CONDITIONAL = ["then", "else", "if", "not"] as const;

/** Keywords whose error only says that something below it failed. */
const COMPOSITE = new Set([
  "properties",
  "patternProperties",
  "items",
  "prefixItems",
  "allOf",
  "$ref",
  "if",
  "dependentSchemas",
]);

/** `text` is the file that the schema was read from: with it, problems name their line. */
export function compileDecisionSchema(schema: JsonObject, text?: string): Result<DecisionSchema, Finding[]> {
  const problems: Problem[] = [];
  if (schema["type"] !== "object") problems.push(problem("#", 'the root must be an object schema: "type": "object"'));
  const linear = withLinearPatterns(schema, { where: "#", isNames: false }, problems);
  checkReferences(schema, problems);
  if (problems.length === 0) checkRecursion(schema, problems);
  if (problems.length > 0) return err(toFindings(problems, text));

  const isDraft7 = typeof schema["$schema"] === "string" && schema["$schema"].includes("draft-07");
  const validator = new Validator(linear as Schema, isDraft7 ? "7" : "2020-12", false);
  const resolve = (node: JsonObject) => resolveReference(schema, node);
  return ok({
    root: schema,
    violations: (instance) => leafErrors(validator.validate(instance).errors),
    mentioned: remembered((node) => collectMentioned(node, resolve, 0)),
    properties: remembered((node) => collectProperties(node, resolve, 0)),
    folded: remembered((node) => fold(node, resolve, 0)),
  });
}

/** Asked again and again for the same nodes, which never change: a save asks hundreds of times, an admission millions. */
function remembered<T>(compute: (node: JsonObject) => T): (node: JsonObject) => T {
  const known = new WeakMap<JsonObject, { value: T }>();
  return (node) => {
    let found = known.get(node);
    if (!found) known.set(node, (found = { value: compute(node) }));
    return found.value;
  };
}

type Problem = { where: string; message: string };
const problem = (where: string, message: string): Problem => ({ where, message });

function toFindings(problems: Problem[], text: string | undefined): Finding[] {
  const positions = text === undefined ? new Map<string, JsonPosition>() : jsonPositions(text);
  return problems.map(({ where, message }) => ({
    code: "schema_invalid",
    severity: "error",
    message: `schema.json at ${where}: ${message}`,
    action: "Correct schema.json in the pack and release it again.",
    place: { file: "schema.json", ...nearestPosition(positions, where.slice(1)) },
  }));
}

/**
 * JavaScript's regular expressions backtrack, so one pattern could hang a save. Each `pattern` becomes a named format
 * whose check runs in RE2's linear time; what RE2 cannot express (look-around, back-references) is refused here.
 */
function withLinearPatterns(node: Json, at: { where: string; isNames: boolean }, problems: Problem[]): Json {
  const { where, isNames } = at;
  if (Array.isArray(node))
    return node.map((item, index) =>
      withLinearPatterns(item, { where: `${where}/${index}`, isNames: false }, problems),
    );
  if (!isJsonObject(node)) return node;
  const copy: JsonObject = {};
  let linear: JsonObject | null = null;
  for (const [key, value] of Object.entries(node)) {
    if (!isNames && VALUE_KEYWORDS.has(key)) {
      copy[key] = value; // data, in which "pattern" is no keyword
    } else if (key === "pattern" && typeof value === "string" && !isNames) {
      const name = `re2:${value}`;
      try {
        // Kept for as long as the isolate lives: releases of one pack share nearly all of their patterns.
        formatChecks[name] ??= linearCheck(value);
      } catch (cause) {
        problems.push(
          problem(where, `pattern ${JSON.stringify(value)} cannot be matched in linear time (${reason(cause)})`),
        );
      }
      linear = { format: name };
    } else if (key === "patternProperties" && !isNames) {
      problems.push(problem(where, "patternProperties is not supported; use propertyNames with additionalProperties"));
    } else {
      const isMap = !isNames && NAME_KEYWORDS.has(key);
      copy[key] = withLinearPatterns(value, { where: `${where}/${pointerToken(key)}`, isNames: isMap }, problems);
    }
  }
  if (linear) copy["allOf"] = [...(Array.isArray(copy["allOf"]) ? copy["allOf"] : []), linear];
  return copy;
}

function linearCheck(pattern: string): (text: string) => boolean {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.matcher(text).find();
}

/** Keywords below which stand names and not keywords; and those whose value is data. */
const NAME_KEYWORDS = new Set(["properties", "$defs", "definitions", "dependentSchemas"]);
const VALUE_KEYWORDS = new Set(["default", "const", "enum", "examples"]);

const reason = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

function checkReferences(schema: JsonObject, problems: Problem[]): void {
  const visit = (node: Json, where: string): void => {
    if (Array.isArray(node)) return node.forEach((item, index) => visit(item, `${where}/${index}`));
    if (!isJsonObject(node)) return;
    const target = node["$ref"];
    if (typeof target === "string" && pointerTarget(schema, target) === undefined)
      problems.push(problem(where, `$ref ${JSON.stringify(target)} points to nothing in this file`));
    for (const [key, value] of Object.entries(node)) visit(value, `${where}/${pointerToken(key)}`);
  };
  visit(schema, "#");
}

/** A schema that contains itself has no end of defaults to apply. */
function checkRecursion(schema: JsonObject, problems: Problem[]): void {
  const open = new Set<JsonObject>();
  const done = new Set<JsonObject>();
  const visit = (node: Json, where: string): void => {
    if (Array.isArray(node)) return node.forEach((item, index) => visit(item, `${where}/${index}`));
    if (!isJsonObject(node) || done.has(node)) return;
    if (open.has(node)) return void problems.push(problem(where, "a schema that refers to itself is not supported"));
    open.add(node);
    const target = resolveReference(schema, node);
    if (target) visit(target, where);
    for (const [key, value] of Object.entries(node)) visit(value, `${where}/${pointerToken(key)}`);
    open.delete(node);
    done.add(node);
  };
  visit(schema, "#");
}

function pointerTarget(schema: JsonObject, reference: string): JsonObject | undefined {
  if (!/^#(?:\/|$)/.test(reference)) return undefined;
  let node: Json | undefined = schema;
  for (const token of reference.slice(1).split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    node = isJsonObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  }
  return isJsonObject(node) ? node : undefined;
}

function resolveReference(schema: JsonObject, node: JsonObject): JsonObject | undefined {
  return typeof node["$ref"] === "string" ? pointerTarget(schema, node["$ref"]) : undefined;
}

type Resolve = (node: JsonObject) => JsonObject | undefined;

const subschemas = (value: Json | undefined): JsonObject[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : isJsonObject(value) ? [value] : [];

function collectProperties(node: JsonObject, resolve: Resolve, depth: number): Map<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  if (depth > REF_DEPTH_MAX) return found;
  const target = resolve(node);
  for (const part of [...(target ? [target] : []), ...subschemas(node["allOf"])])
    for (const [key, value] of collectProperties(part, resolve, depth + 1)) found.set(key, value);
  if (isJsonObject(node["properties"]))
    for (const [key, value] of Object.entries(node["properties"])) if (isJsonObject(value)) found.set(key, value);
  return found;
}

function collectMentioned(node: JsonObject, resolve: Resolve, depth: number): Map<string, JsonObject[]> {
  const found = new Map<string, JsonObject[]>();
  if (depth > REF_DEPTH_MAX) return found;
  const add = (key: string, values: JsonObject[]) => found.set(key, [...(found.get(key) ?? []), ...values]);
  if (isJsonObject(node["properties"]))
    for (const [key, value] of Object.entries(node["properties"])) add(key, isJsonObject(value) ? [value] : []);
  const target = resolve(node);
  const parts = target ? [target] : [];
  for (const keyword of ["allOf", "anyOf", "oneOf", ...CONDITIONAL]) parts.push(...subschemas(node[keyword]));
  if (isJsonObject(node["dependentSchemas"]))
    parts.push(...Object.values(node["dependentSchemas"]).filter(isJsonObject));
  for (const part of parts) for (const [key, values] of collectMentioned(part, resolve, depth + 1)) add(key, values);
  return found;
}

function fold(node: JsonObject, resolve: Resolve, depth: number): JsonObject {
  if (depth > REF_DEPTH_MAX) return node;
  const target = resolve(node);
  const parts = [...(target ? [target] : []), ...subschemas(node["allOf"])];
  if (parts.length === 0) return node;
  return Object.assign({}, ...parts.map((part) => fold(part, resolve, depth + 1)), node) as JsonObject;
}

/** Drops the errors that only repeat one below them; a failed anyOf or oneOf stands for its branches. */
function leafErrors(errors: OutputUnit[]): OutputUnit[] {
  const choices = errors.filter(({ keyword }) => keyword === "anyOf" || keyword === "oneOf" || keyword === "not");
  return errors.filter(
    (error) =>
      !COMPOSITE.has(error.keyword) &&
      !choices.some((choice) => choice !== error && error.keywordLocation.startsWith(`${choice.keywordLocation}/`)),
  );
}
