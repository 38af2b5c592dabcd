import { pointerToken } from "#core/json.ts";

/**
 * What something was made from: nothing, one decision, or two of these together. Joining costs one small object while a template runs;
 * which decisions there are is worked out only for the lines that somebody asks about.
 */
export type Origins = Nothing | DecisionPath | Joined;

export class Nothing {
  readonly kind = "nothing";
}

export const NO_ORIGINS: Origins = new Nothing();

/** A place among the decisions. There is one object per place and render, so that they compare by identity. */
export class DecisionPath {
  readonly kind = "path";
  readonly #parent: DecisionPath | null;
  readonly #key: string;
  /** Few have many: a list is searched faster than a map is made. */
  #few: DecisionPath[] | null = null;
  #many: Map<string, DecisionPath> | null = null;

  constructor(parent: DecisionPath | null, key: string) {
    this.#parent = parent;
    this.#key = key;
  }

  /** JSON Pointer (RFC 6901); empty for all decisions together. */
  get pointer(): string {
    return this.#parent === null ? "" : `${this.#parent.pointer}/${pointerToken(this.#key)}`;
  }

  /** What is there in `decisions`; own members only, undefined where there is nothing. */
  valueIn(decisions: object): unknown {
    if (this.#parent === null) return decisions;
    const value = this.#parent.valueIn(decisions);
    return typeof value === "object" && value !== null && Object.hasOwn(value, this.#key)
      ? (value as Record<string, unknown>)[this.#key]
      : undefined;
  }

  child(key: string): DecisionPath {
    if (this.#many !== null) return this.#childOfMany(this.#many, key);
    if (this.#few === null) this.#few = [];
    for (const known of this.#few) if (known.#key === key) return known;
    const child = new DecisionPath(this, key);
    this.#few.push(child);
    if (this.#few.length > FEW_MAX) this.#many = new Map(this.#few.map((known) => [known.#key, known]));
    return child;
  }

  #childOfMany(many: Map<string, DecisionPath>, key: string): DecisionPath {
    let child = many.get(key);
    if (child === undefined) {
      child = new DecisionPath(this, key);
      many.set(key, child);
    }
    return child;
  }
}

const FEW_MAX = 8;

class Joined {
  readonly kind = "joined";
  readonly left: Origins;
  readonly right: Origins;

  constructor(left: Origins, right: Origins) {
    this.left = left;
    this.right = right;
  }
}

export function joinOrigins(left: Origins, right: Origins): Origins {
  if (left === NO_ORIGINS || left === right) return right;
  return right === NO_ORIGINS ? left : new Joined(left, right);
}

/** Adds the decisions of `origins` to `paths`. Joins may be deep and shared, so each is visited once and none by recursion. */
export function addPaths(origins: Origins, paths: Set<DecisionPath>): void {
  const pending: Origins[] = [origins];
  const seen = new Set<Joined>();
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at.kind === "path") paths.add(at);
    else if (at.kind === "joined" && !seen.has(at)) {
      seen.add(at);
      pending.push(at.left, at.right);
    }
  }
}
