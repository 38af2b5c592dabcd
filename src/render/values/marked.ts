import { TemplateFault } from "#render/fault.ts";

export type MarkKind = "sensitive" | "secret_ref";

/**
 * A decision that a template may pass on, test for truth and compare, but not look into: one marked `x-sensitive` in an
 * output that is not, or `x-confman-secret-ref` anywhere. Every coercion to a primitive throws, so that a
 * value that was not meant for an output cannot reach it by any operator or filter: the closed door is the object itself.
 */
export class Marked {
  readonly #value: unknown;
  readonly #kind: MarkKind;
  readonly #pointer: string;

  constructor(value: unknown, mark: { kind: MarkKind; pointer: string }) {
    this.#value = value;
    this.#kind = mark.kind;
    this.#pointer = mark.pointer;
  }

  get kind(): MarkKind {
    return this.#kind;
  }
  get pointer(): string {
    return this.#pointer;
  }

  static reveal(marked: Marked): unknown {
    return marked.#value;
  }

  refuse(): never {
    const isRef = this.kind === "secret_ref";
    throw new TemplateFault({
      code: isRef ? "secret_ref_misplaced" : "sensitive_misplaced",
      message: isRef
        ? `the secret reference ${this.pointer} may only be passed to secret()`
        : `the sensitive decision ${this.pointer} would be printed into a file that is not marked sensitive`,
      action: isRef
        ? "Write Secret={{ secret(...) }} with it; a container reads the value, a file never holds it."
        : 'Mark the output "sensitive": true in leger-pack.json, or pass the value to the service as a secret.',
      decision: this.pointer,
    });
  }
  toString(): string {
    return this.refuse();
  }
  valueOf(): never {
    return this.refuse();
  }
  toJSON(): never {
    return this.refuse();
  }
  [Symbol.toPrimitive](): never {
    return this.refuse();
  }
}
