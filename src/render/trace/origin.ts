import { pointerToken } from "#core/json.ts";

/** A place among the decisions. There is one object per place and render, so that sets of them compare by identity. */
export class DecisionPath {
  readonly pointer: string;
  readonly #children = new Map<string, DecisionPath>();

  constructor(pointer: string) {
    this.pointer = pointer;
  }

  child(key: string): DecisionPath {
    let child = this.#children.get(key);
    if (child === undefined) {
      child = new DecisionPath(`${this.pointer}/${pointerToken(key)}`);
      this.#children.set(key, child);
    }
    return child;
  }
}

/**
 * A set of decisions that something was made from. Sets never change and each is made once, so a union that was computed
 * before is one look-up.
 */
export class Origins {
  readonly paths: ReadonlySet<DecisionPath>;
  readonly #unions = new Map<Origins, Origins>();
  readonly #withPath = new Map<DecisionPath, Origins>();

  private constructor(paths: ReadonlySet<DecisionPath>) {
    this.paths = paths;
  }

  static readonly none = new Origins(new Set());

  /** A fresh empty set: what is memoised below it is forgotten with the render. */
  static empty(): Origins {
    return new Origins(new Set());
  }

  with(path: DecisionPath): Origins {
    if (this.paths.has(path)) return this;
    let result = this.#withPath.get(path);
    if (result === undefined) {
      result = new Origins(new Set([...this.paths, path]));
      this.#withPath.set(path, result);
    }
    return result;
  }

  union(other: Origins): Origins {
    if (other === this || other.paths.size === 0) return this;
    if (this.paths.size === 0) return other;
    let result = this.#unions.get(other);
    if (result === undefined) {
      const paths = new Set([...this.paths, ...other.paths]);
      result = paths.size === this.paths.size ? this : new Origins(paths);
      this.#unions.set(other, result);
    }
    return result;
  }
}
