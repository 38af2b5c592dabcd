import { compileDecisionSchema, type DecisionSchema } from "#core/decision-schema.ts";
import { isJsonObject, type Json, type JsonObject } from "#core/json.ts";
import type { ContextPath } from "#render/analyze/read-paths.ts";

/** What the schema says of a place that a template reads. */
export type SchemaPlace =
  | { readonly kind: "known"; readonly node: JsonObject }
  /** The schema leaves it open, or it is no decision at all (`data`, `leger`). */
  | { readonly kind: "open" }
  | { readonly kind: "missing"; readonly index: number; readonly candidates: readonly string[] };

const OPEN: SchemaPlace = { kind: "open" };
const NO_DECISIONS: ReadonlySet<string> = new Set(["data", "leger"]);

/** A schema as templates see it: by paths. */
export class SchemaPaths {
  readonly #schema: DecisionSchema | null;

  constructor(schema: JsonObject) {
    const compiled = compileDecisionSchema(schema);
    this.#schema = compiled.ok ? compiled.value : null;
  }

  at(path: ContextPath): SchemaPlace {
    const schema = this.#schema;
    const [first] = path;
    if (schema === null || first === undefined || NO_DECISIONS.has(first)) return OPEN;
    const keys = first === "config" ? path.slice(1) : path;
    const shift = path.length - keys.length;
    let node = schema.folded(schema.root);
    for (const [index, key] of keys.entries()) {
      const next = this.#below(schema, node, key);
      if (next === null) return OPEN;
      if (next === undefined) {
        const candidates = [...schema.properties(node).keys()];
        return {
          kind: "missing",
          index: index + shift,
          candidates: index === 0 ? [...candidates, "config", "data", "leger"] : candidates,
        };
      }
      node = next;
    }
    return { kind: "known", node };
  }

  /** The node of a member; null where anything goes, undefined where nothing is. */
  #below(schema: DecisionSchema, node: JsonObject, key: string): JsonObject | null | undefined {
    const type = node["type"];
    if (type === "array")
      return key === "length" ? null : isJsonObject(node["items"]) ? schema.folded(node["items"]) : null;
    if (type === "string") return null;
    const properties = schema.properties(node);
    const child = properties.get(key);
    if (child !== undefined) return schema.folded(child);
    const isOpen = node["additionalProperties"] === true || isJsonObject(node["additionalProperties"]);
    if (key === "*" || isOpen || properties.size === 0) return null;
    return schema.mentioned(node).has(key) ? null : undefined;
  }

  /** Every decision without members of its own, by path. */
  leaves(): string[][] {
    const schema = this.#schema;
    if (schema === null) return [];
    const leaves: string[][] = [];
    const collect = (node: JsonObject, path: readonly string[]): void => {
      const properties = schema.properties(node);
      if (properties.size === 0 || path.length > NESTING_MAX) {
        if (path.length > 0) leaves.push([...path]);
        return;
      }
      for (const [key, child] of properties) collect(schema.folded(child), [...path, key]);
    };
    collect(schema.folded(schema.root), []);
    return leaves;
  }

  /** Decisions that decide whether other ones apply, with those. */
  rules(): { readonly controller: string; readonly controlled: string }[] {
    return this.leavesAndGroups().flatMap(({ path, node }) => {
      const rule = node["x-depends-on"];
      return isJsonObject(rule)
        ? Object.keys(rule).map((controller) => ({ controller, controlled: path.join(".") }))
        : [];
    });
  }

  leavesAndGroups(): { readonly path: readonly string[]; readonly node: JsonObject }[] {
    const schema = this.#schema;
    if (schema === null) return [];
    const found: { path: readonly string[]; node: JsonObject }[] = [];
    const collect = (node: JsonObject, path: readonly string[]): void => {
      if (path.length > 0) found.push({ path, node });
      if (path.length > NESTING_MAX) return;
      for (const [key, child] of schema.properties(node)) collect(schema.folded(child), [...path, key]);
    };
    collect(schema.folded(schema.root), []);
    return found;
  }
}

const NESTING_MAX = 32;

/** The values that a decision can have at all: of an enum, a constant or a boolean; null where they cannot be listed. */
export function possibleValues(node: JsonObject): Json[] | null {
  if (Array.isArray(node["enum"])) return node["enum"];
  if (node["const"] !== undefined) return [node["const"]];
  return node["type"] === "boolean" ? [true, false] : null;
}
