import { isJsonObject, type JsonObject, pointerToken } from "#core/json.ts";
import { Marked, type MarkKind } from "#render/values/marked.ts";

export type Marks = { readonly sensitive: readonly string[]; readonly secretRefs: readonly string[] };

/** Marks by the way to them, so that each list and mapping on the way is copied once. */
type MarkTree = { kind: MarkKind | null; readonly children: Map<string, MarkTree> };

/**
 * The decisions with their marked values closed up in `Marked`; what is not marked is shared, not copied. Empty values stay
 * as they are: they reveal nothing, and a template must be able to test them.
 */
export function markDecisions(
  decisions: JsonObject,
  marks: Marks,
  isSensitiveOutput: boolean,
): Record<string, unknown> {
  const tree: MarkTree = { kind: null, children: new Map() };
  if (!isSensitiveOutput) for (const pointer of marks.sensitive) plant(tree, pointer, "sensitive");
  for (const pointer of marks.secretRefs) plant(tree, pointer, "secret_ref");
  return markedValue(decisions, tree, "") as Record<string, unknown>;
}

/** Pointers repeat from render to render, because they come from schemas; the memory of them is bounded. */
const knownKeys = new Map<string, readonly string[]>();
const KNOWN_KEYS_MAX = 2000;

function keysOf(pointer: string): readonly string[] {
  const known = knownKeys.get(pointer);
  if (known !== undefined) return known;
  const keys = pointer.split("/").slice(1);
  const unescaped = pointer.includes("~") ? keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~")) : keys;
  if (knownKeys.size < KNOWN_KEYS_MAX) knownKeys.set(pointer, unescaped);
  return unescaped;
}

function plant(root: MarkTree, pointer: string, kind: MarkKind): void {
  let at = root;
  for (const key of keysOf(pointer)) {
    let child = at.children.get(key);
    if (child === undefined) {
      child = { kind: null, children: new Map() };
      at.children.set(key, child);
    }
    at = child;
  }
  at.kind = kind;
}

function markedValue(value: unknown, tree: MarkTree, pointer: string): unknown {
  if (tree.kind !== null) return closedUp(value, tree.kind, pointer);
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])];
    for (const [key, child] of tree.children) {
      const index = Number(key);
      if (index in items) items[index] = markedValue(items[index], child, `${pointer}/${key}`);
    }
    return items;
  }
  if (!isJsonObject(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const [key, child] of tree.children) {
    if (Object.hasOwn(copy, key)) copy[key] = markedValue(copy[key], child, `${pointer}/${pointerToken(key)}`);
  }
  return copy;
}

/** A marked list or mapping keeps its shape; the values in it are closed up. */
function closedUp(value: unknown, kind: MarkKind, pointer: string): unknown {
  if (!value) return value;
  if (Array.isArray(value)) return value.map((item: unknown, index) => closedUp(item, kind, `${pointer}/${index}`));
  if (!isJsonObject(value)) return new Marked(value, { kind, pointer });
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, closedUp(item, kind, `${pointer}/${pointerToken(key)}`)] as const;
  });
  return Object.fromEntries(entries);
}
