import { isJsonObject, type JsonObject, pointerToken } from "#core/json.ts";
import { Marked, type MarkKind } from "#render/values/marked.ts";

export type Marks = { readonly sensitive: readonly string[]; readonly secretRefs: readonly string[] };

/** Marks by the way to them, so that each list and mapping on the way is copied once. */
type MarkTree = {
  readonly pointer: string;
  isSensitive: boolean;
  isSecretRef: boolean;
  /** A secret reference is here or below. */
  holdsSecretRefs: boolean;
  readonly children: Map<string, MarkTree>;
};

const newTree = (pointer: string): MarkTree => ({
  pointer,
  isSensitive: false,
  isSecretRef: false,
  holdsSecretRefs: false,
  children: new Map(),
});

/**
 * The decisions with their marked values closed up in `Marked`; what is not marked is shared, not copied. Empty values stay
 * as they are: they reveal nothing, and a template must be able to test them.
 */
export class MarkedDecisions {
  readonly #decisions: JsonObject;
  readonly #tree: MarkTree = newTree("");

  constructor(decisions: JsonObject, marks: Marks) {
    this.#decisions = decisions;
    for (const pointer of marks.sensitive) plant(this.#tree, pointer, "sensitive");
    for (const pointer of marks.secretRefs) plant(this.#tree, pointer, "secret_ref");
  }

  /** What the templates of an output see. */
  for(output: { readonly isSensitive: boolean }): Record<string, unknown> {
    return markedValue(this.#decisions, this.#tree, output.isSensitive) as Record<string, unknown>;
  }
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
  const isSecretRef = kind === "secret_ref";
  let at = root;
  let end = 0;
  for (const key of keysOf(pointer)) {
    if (isSecretRef) at.holdsSecretRefs = true;
    end = pointer.indexOf("/", end + 1);
    let child = at.children.get(key);
    if (child === undefined) {
      child = newTree(end === -1 ? pointer : pointer.slice(0, end));
      at.children.set(key, child);
    }
    at = child;
  }
  if (isSecretRef) {
    at.isSecretRef = true;
    at.holdsSecretRefs = true;
  } else at.isSensitive = true;
}

function markedValue(value: unknown, tree: MarkTree, isSensitiveOutput: boolean): unknown {
  // An output that is marked sensitive may hold sensitive values; references to secrets never stand for themselves.
  if (isSensitiveOutput && !tree.holdsSecretRefs) return value;
  if (tree.isSecretRef) return closedUp(value, "secret_ref", tree.pointer);
  if (tree.isSensitive && !isSensitiveOutput) return closedUp(value, "sensitive", tree.pointer);
  if (Array.isArray(value)) {
    const items: unknown[] = [...(value as unknown[])];
    for (const [key, child] of tree.children) {
      const index = Number(key);
      if (index in items) items[index] = markedValue(items[index], child, isSensitiveOutput);
    }
    return items;
  }
  if (!isJsonObject(value)) return value;
  const copy: Record<string, unknown> = { ...value };
  for (const [key, child] of tree.children) {
    if (Object.hasOwn(copy, key)) copy[key] = markedValue(copy[key], child, isSensitiveOutput);
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
