import type { SecretRequirement } from "#render/secret-function.ts";

/** Lists longer than this are freed of repetitions while they grow: a loop may ask for one secret a hundred thousand times. */
const COMPACT_AT = 256;

/** The secrets that one output needs, each once; of equal ones the last counts. */
export class SecretList {
  #secrets: SecretRequirement[] = [];
  #compactAt = COMPACT_AT;

  add(secret: SecretRequirement): void {
    this.#secrets.push(secret);
    if (this.#secrets.length < this.#compactAt) return;
    this.#secrets = sortedOnce(this.#secrets);
    this.#compactAt = Math.max(COMPACT_AT, 2 * this.#secrets.length);
  }

  /** Sorted by name, type and target. */
  get sorted(): readonly SecretRequirement[] {
    return this.#secrets.length > 1 ? sortedOnce(this.#secrets) : this.#secrets;
  }
}

/** Sorted by name, type and target; of equal ones the last stays, because sorting keeps their order. */
function sortedOnce(secrets: readonly SecretRequirement[]): SecretRequirement[] {
  const once: SecretRequirement[] = [];
  let last: SecretRequirement | null = null;
  for (const secret of secrets.toSorted(bySecret)) {
    if (last !== null && bySecret(last, secret) === 0) once.pop();
    once.push(secret);
    last = secret;
  }
  return once;
}

function bySecret(a: SecretRequirement, b: SecretRequirement): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.type !== b.type) return a.type < b.type ? -1 : 1;
  const target = a.target ?? "";
  const other = b.target ?? "";
  return target === other ? 0 : target < other ? -1 : 1;
}
