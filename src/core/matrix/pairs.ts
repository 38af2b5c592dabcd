import type { Factor } from "#core/matrix/factors.ts";

/**
 * Per decision the values that are still possible, as bits; all bits where nothing is said. A decision has at most
 * `VALUES_PER_FACTOR_MAX` values, so a 32-bit number holds them.
 */
export type Domains = Int32Array;
/** What choosing one value asks of its own decision and of those that it depends on. */
export type Requirement = readonly { readonly factor: number; readonly mask: number }[];

export const VALUES_PER_FACTOR_MAX = 30;
const ANYTHING = -1;

/**
 * Which values can stand beside which, and which pairs no row has had yet. A value of a decision that depends on others brings
 * their values along; two values go together when what they bring along does. Dependencies are conjunctions, so this is exact.
 */
export class PairSpace {
  readonly factors: readonly Factor[];
  readonly offsets: readonly number[];
  readonly factorOf: Int32Array;
  readonly size: number;
  /** Open pairs per value. */
  readonly open: Int32Array;
  readonly #uncovered: Uint8Array;
  readonly #requirements: (Requirement | null)[];
  total = 0;
  left = 0;

  constructor(factors: readonly Factor[]) {
    this.factors = factors;
    let size = 0;
    this.offsets = factors.map(({ values }) => (size += values.length) - values.length);
    this.size = size;
    this.factorOf = Int32Array.from(factors.flatMap(({ values }, index) => values.map(() => index)));
    this.open = new Int32Array(size);
    this.#uncovered = new Uint8Array(size * size);
    this.#requirements = Array.from({ length: size }, (_, id) => this.#requirementOf(id));
    this.#mark();
  }

  #mark(): void {
    const domains = this.anything();
    for (let a = 0; a < this.size; a++) {
      const first = this.#requirements[a];
      if (!first) continue;
      domains.fill(ANYTHING);
      narrow(domains, first);
      for (let b = a + 1; b < this.size; b++) {
        const second = this.#requirements[b];
        if (!second || this.factorOf[a] === this.factorOf[b] || !isPossible(domains, second)) continue;
        this.#set(a, b, 1);
        this.total++;
      }
    }
    this.left = this.total;
  }

  anything = (): Domains => new Int32Array(this.factors.length).fill(ANYTHING);
  valueOf = (id: number) => id - (this.offsets[this.factorOf[id] ?? 0] ?? 0);
  isOpen = (a: number, b: number) => this.#uncovered[a * this.size + b] === 1;
  /** Null: this value can never apply. */
  requirement = (id: number): Requirement | null => this.#requirements[id] ?? null;

  #set(a: number, b: number, value: 0 | 1): void {
    this.#uncovered[a * this.size + b] = value;
    this.#uncovered[b * this.size + a] = value;
    const change = value === 1 ? 1 : -1;
    this.open[a] = (this.open[a] ?? 0) + change;
    this.open[b] = (this.open[b] ?? 0) + change;
  }

  #requirementOf(id: number): Requirement | null {
    const masks = new Map<number, number>();
    const open = new Set<number>();
    const ask = (factor: number, mask: number): boolean => {
      const current = this.factors[factor];
      if (!current || current.isDead || open.has(factor)) return false;
      const both = (masks.get(factor) ?? ANYTHING) & mask;
      if (both === 0) return false;
      masks.set(factor, both);
      open.add(factor);
      const isMet = current.rules.every((rule) => ask(rule.factor, rule.mask));
      open.delete(factor);
      return isMet;
    };
    const isMet = ask(this.factorOf[id] ?? 0, 1 << this.valueOf(id));
    return isMet ? [...masks].map(([factor, mask]) => ({ factor, mask })) : null;
  }

  /** Strikes the pairs of a row off; `ids` are its values. Answers how many were new. */
  cover(ids: readonly number[]): number {
    const before = this.left;
    for (let i = 0; i < ids.length; i++) for (let j = i + 1; j < ids.length; j++) this.strike(ids[i] ?? 0, ids[j] ?? 0);
    return before - this.left;
  }

  strike(a: number, b: number): void {
    if (!this.isOpen(a, b)) return;
    this.#set(a, b, 0);
    this.left--;
  }

  /** The open pair whose values have the most open pairs; null when all are covered. */
  seed(): [number, number] | null {
    const best = indexOfMost(this.size, (id) => this.open[id] ?? 0);
    if (best < 0) return null;
    const other = indexOfMost(this.size, (id) => (this.isOpen(best, id) ? (this.open[id] ?? 0) : 0));
    return [best, other];
  }
}

/** The first index with the highest positive score, or -1. */
export function indexOfMost(length: number, score: (index: number) => number): number {
  let best = -1;
  let most = 0;
  for (let index = 0; index < length; index++) {
    const value = score(index);
    if (value > most) [best, most] = [index, value];
  }
  return best;
}

export const isPossible = (domains: Domains, needed: Requirement) =>
  needed.every(({ factor, mask }) => ((domains[factor] ?? 0) & mask) !== 0);

export function narrow(domains: Domains, needed: Requirement): void {
  for (const { factor, mask } of needed) domains[factor] = (domains[factor] ?? 0) & mask;
}
