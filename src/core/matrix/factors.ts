import type { DecisionSchema } from "#core/decision-schema.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject, pointerToken } from "#core/json.ts";
import { VALUES_PER_FACTOR_MAX } from "#core/matrix/pairs.ts";
import { sampleValue } from "#core/matrix/sample-value.ts";

/** One decision of the matrix with the values it takes. `null` in `values` means: not set, where there is no default. */
export type Factor = {
  readonly pointer: string;
  readonly values: readonly (Json | null)[];
  /** Which values each decision that it depends on must have for this one to apply, as bits of their indexes. */
  readonly rules: readonly { readonly factor: number; readonly mask: number }[];
  /** No value of the decisions it depends on lets it apply. */
  readonly isDead: boolean;
};

type Draft = { pointer: string; values: (Json | null)[]; rules: Record<string, Json> };

/**
 * The decisions of a schema that a matrix turns: every enum and boolean, and each decision that may be left unset, once with a
 * value and once without, because that is where templates meet what is undefined. Decisions that others depend on are turned
 * too, whatever their type. In the order of the schema.
 */
export function matrixFactors(schema: DecisionSchema): Factor[] {
  const drafts = collect(schema);
  const pointerOf = (path: string) => `/${path.split(".").map(pointerToken).join("/")}`;
  const indexOf = new Map(drafts.map(({ pointer }, index) => [pointer, index]));
  for (const draft of drafts)
    for (const [path, wanted] of Object.entries(draft.rules)) {
      const target = drafts[indexOf.get(pointerOf(path)) ?? -1];
      for (const value of Array.isArray(wanted) ? wanted : [wanted])
        if (target && !isListed(target) && !has(target.values, value) && target.values.length < VALUES_PER_FACTOR_MAX)
          target.values.push(value);
    }
  return drafts.map(({ pointer, values, rules }) => {
    const resolved = Object.entries(rules).map(([path, wanted]) => {
      const factor = indexOf.get(pointerOf(path)) ?? -1;
      const options = Array.isArray(wanted) ? wanted : [wanted];
      const allowed = (drafts[factor]?.values ?? []).map((value, index) => (has(options, value) ? 1 << index : 0));
      return { factor, mask: allowed.reduce((mask, bit) => mask | bit, 0) };
    });
    const isDead = resolved.some(({ factor, mask }) => factor < 0 || mask === 0);
    return { pointer, values, rules: resolved.filter(({ factor }) => factor >= 0), isDead };
  });
}

const has = (values: readonly (Json | null)[], value: Json | null) =>
  values.some((one) => canonicalJson(one) === canonicalJson(value));
const isListed = ({ values }: Draft) => values.length > 1;

function collect(schema: DecisionSchema): Draft[] {
  const drafts: Draft[] = [];
  const controllers = controllersOf(schema);
  const visit = (node: JsonObject, at: { pointer: string; rules: Record<string, Json>; depth: number }): void => {
    if (at.depth > NESTING_MAX) return;
    const required = Array.isArray(node["required"]) ? node["required"] : [];
    for (const [key, child] of schema.properties(node)) {
      const folded = schema.folded(child);
      const pointer = `${at.pointer}/${pointerToken(key)}`;
      const own = isJsonObject(folded["x-depends-on"]) ? folded["x-depends-on"] : {};
      const rules = { ...at.rules, ...own };
      if (folded["type"] === "object" && folded["default"] === undefined && schema.properties(folded).size > 0) {
        visit(folded, { pointer, rules, depth: at.depth + 1 });
        continue;
      }
      const values = valuesOf(folded, { isRequired: required.includes(key), nth: drafts.length });
      if (values.length > 1 || controllers.has(pointer) || (required.includes(key) && folded["default"] === undefined))
        drafts.push({ pointer, values, rules });
    }
  };
  visit(schema.folded(schema.root), { pointer: "", rules: {}, depth: 0 });
  return drafts;
}

function controllersOf(schema: DecisionSchema): Set<string> {
  const found = new Set<string>();
  const visit = (node: JsonObject, depth: number): void => {
    if (depth > NESTING_MAX) return;
    for (const child of schema.properties(node).values()) {
      const folded = schema.folded(child);
      if (isJsonObject(folded["x-depends-on"]))
        for (const path of Object.keys(folded["x-depends-on"]))
          found.add(`/${path.split(".").map(pointerToken).join("/")}`);
      visit(folded, depth + 1);
    }
  };
  visit(schema.folded(schema.root), 0);
  return found;
}

function valuesOf(node: JsonObject, { isRequired, nth }: { isRequired: boolean; nth: number }): (Json | null)[] {
  const fallback = node["default"];
  const isOptional = fallback === undefined && !isRequired;
  const unset = isOptional ? [null] : [];
  // A longer list (of time zones, say) is data rather than a switch: its first values stand for it.
  if (Array.isArray(node["enum"])) return [...node["enum"].slice(0, VALUES_PER_FACTOR_MAX - 1), ...unset];
  if (node["const"] !== undefined) return [node["const"], ...unset];
  if (node["type"] === "boolean") return [false, true, ...unset];
  if (fallback !== undefined) return [fallback];
  const sample = sampleValue(node, nth);
  return sample === undefined ? unset : [...unset, sample];
}

const NESTING_MAX = 32;
