import { isJsonObject, type JsonObject, pointerToken } from "#core/json.ts";
import { Marked, type MarkKind } from "#render/values/marked.ts";

export type Marks = { readonly sensitive: readonly string[]; readonly secretRefs: readonly string[] };

/**
 * The decisions with their marked values closed up in `Marked`; what is not marked is shared, not copied. Empty values stay
 * as they are: they reveal nothing, and a template must be able to test them.
 */
export class MarkedDecisions {
  readonly #decisions: JsonObject;
  readonly #marks: Marks;
  #withoutRefs: Record<string, unknown> | null = null;

  constructor(decisions: JsonObject, marks: Marks) {
    this.#decisions = decisions;
    this.#marks = marks;
  }

  /**
   * What the templates of an output see. An output that is marked sensitive may hold sensitive values; references to secrets never
   * stand for themselves, not even below a sensitive decision.
   */
  for(output: { readonly isSensitive: boolean }): Record<string, unknown> {
    const { sensitive, secretRefs } = this.#marks;
    this.#withoutRefs ??= closing(this.#decisions, secretRefs, "secret_ref");
    return output.isSensitive ? this.#withoutRefs : closing(this.#withoutRefs, sensitive, "sensitive");
  }
}

function closing(decisions: Record<string, unknown>, pointers: readonly string[], kind: MarkKind): Container {
  const closed = new Closing(decisions);
  for (const pointer of pointers) closed.close(pointer, kind);
  return closed.root;
}

type Container = Record<string, unknown>;

/** Decisions of which some are being closed up; each list and mapping on the way to one is copied once. */
class Closing {
  root: Container;
  readonly #copies = new Set<unknown>();
  readonly #original: Container;

  constructor(decisions: Container) {
    this.#original = decisions;
    this.root = decisions;
  }

  close(pointer: string, kind: MarkKind): void {
    const keys = keysOf(pointer);
    const last = keys.at(-1);
    if (last === undefined) {
      this.root = closedUp(this.root, { kind, pointer }) as Container;
      return;
    }
    let at = this.root === this.#original ? (this.root = this.#copyOf(this.root)) : this.root;
    for (let i = 0; i < keys.length - 1; i++) {
      const key = keys[i] ?? "";
      const child = Object.hasOwn(at, key) ? at[key] : undefined;
      if (!isContainer(child)) return;
      at = this.#copies.has(child) ? child : (at[key] = this.#copyOf(child));
    }
    if (Object.hasOwn(at, last)) at[last] = closedUp(at[last], { kind, pointer });
  }

  #copyOf(container: Container): Container {
    const copy = Array.isArray(container) ? (container.slice() as unknown as Container) : { ...container };
    this.#copies.add(copy);
    return copy;
  }
}

const isContainer = (value: unknown): value is Container =>
  Array.isArray(value) || (isJsonObject(value) && !(value instanceof Marked));

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

/** A marked list or mapping keeps its shape; the values in it are closed up. */
function closedUp(value: unknown, mark: { readonly kind: MarkKind; readonly pointer: string }): unknown {
  if (!value || value instanceof Marked) return value;
  const { kind, pointer } = mark;
  if (Array.isArray(value)) return value.map((item, index) => closedUp(item, { kind, pointer: `${pointer}/${index}` }));
  if (!isJsonObject(value)) return new Marked(value, mark);
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, closedUp(item, { kind, pointer: `${pointer}/${pointerToken(key)}` })] as const;
  });
  return Object.fromEntries(entries);
}
