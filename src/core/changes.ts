import type { DecisionSchema } from "#core/decision-schema.ts";
import { eachDecision, valueAt } from "#core/decisions.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject, pointerToken } from "#core/json.ts";

/**
 * One decision that differs between two snapshots. Values of decisions marked `x-sensitive` or `x-confman-secret-ref` are
 * left out: that they changed is all that is said.
 */
export type DecisionChange = {
  decision: string;
  title: string;
  kind: "set" | "changed" | "removed";
  before?: Json;
  after?: Json;
  masked: boolean;
};

/**
 * The differences in the decisions that a person set, by JSON Pointer. With two schemas, the first gives the titles and
 * either one masks: a value that was sensitive under the old schema stays unsaid when the new one has forgotten it.
 */
export function decisionChanges(
  schemas: DecisionSchema | readonly DecisionSchema[],
  before: JsonObject,
  after: JsonObject,
): DecisionChange[] {
  const titles = new Map<string, string>();
  const secret = new Set<string>();
  for (const schema of "root" in schemas ? [schemas] : schemas)
    for (const data of [before, after])
      eachDecision(schema, data, (pointer, node) => {
        if (typeof node["title"] === "string" && !titles.has(pointer)) titles.set(pointer, node["title"]);
        if (node["x-sensitive"] === true || node["x-confman-secret-ref"] === true) secret.add(pointer);
      });
  const pointers = [...new Set([...leaves(before, ""), ...leaves(after, "")])].toSorted();
  return pointers.flatMap((decision) => {
    const [old, next] = [valueAt(before, decision), valueAt(after, decision)];
    if (old !== undefined && next !== undefined && canonicalJson(old) === canonicalJson(next)) return [];
    // masked too when it lies in a sensitive object, or is an array that has something sensitive in it
    const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}/`);
    const masked = [...secret].some((pointer) => isWithin(decision, pointer) || isWithin(pointer, decision));
    const title = titles.get(decision) ?? decision.slice(1).replaceAll("/", ".");
    const kind = old === undefined ? "set" : next === undefined ? "removed" : "changed";
    return [
      {
        decision,
        title,
        masked,
        kind,
        ...(!masked && old !== undefined && { before: old }),
        ...(!masked && next !== undefined && { after: next }),
      } satisfies DecisionChange,
    ];
  });
}

/** Leaves are scalars, arrays and empty objects: an array is one decision. */
function leaves(value: Json, pointer: string): string[] {
  if (!isJsonObject(value)) return [pointer];
  const keys = Object.keys(value);
  if (keys.length === 0) return pointer === "" ? [] : [pointer];
  return keys.flatMap((key) => leaves(value[key] ?? null, `${pointer}/${pointerToken(key)}`));
}

const SUMMARY_ITEMS_MAX = 8;
const VALUE_CHARS_MAX = 60;

/** The changes in words: "Vector database: pgvector -> qdrant; RAG on". */
export function summarise(changes: DecisionChange[]): string {
  if (changes.length === 0) return "No decision changed.";
  const items = changes.slice(0, SUMMARY_ITEMS_MAX).map(describe);
  const rest = changes.length - items.length;
  return items.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}

function describe(change: DecisionChange): string {
  if (change.masked) return `${change.title} ${change.kind === "removed" ? "removed" : "changed"}`;
  if (change.kind === "removed") return `${change.title}: back to the default`;
  if (typeof change.after === "boolean") return `${change.title} ${change.after ? "on" : "off"}`;
  if (change.kind === "set") return `${change.title}: ${shown(change.after)}`;
  return `${change.title}: ${shown(change.before)} -> ${shown(change.after)}`;
}

function shown(value: Json | undefined): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX - 1)}…` : text;
}
