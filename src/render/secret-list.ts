import type { SecretRequirement } from "#render/secret-function.ts";

/** Lists longer than this are freed of repetitions while they grow: a loop may ask for one secret a hundred thousand times. */
const COMPACT_AT = 256;

/** The secrets that one output needs, each once; of equal ones the last counts. */
export class SecretList {
  readonly file: string;
  #secrets: SecretRequirement[] = [];
  #compactAt = COMPACT_AT;

  constructor(file: string) {
    this.file = file;
  }

  add(secret: SecretRequirement): void {
    this.#secrets.push(secret);
    if (this.#secrets.length < this.#compactAt) return;
    this.#secrets = sortedOnce(this.#secrets);
    this.#compactAt = Math.max(COMPACT_AT, 2 * this.#secrets.length);
  }

  /** Adds them to `all`, sorted by name, type and target. */
  addSortedTo(all: SecretRequirement[]): void {
    for (const secret of sortedOnce(this.#secrets)) all.push(secret);
  }
}

/** Sorted by name, type and target; of equal ones the last stays, because sorting keeps their order. */
function sortedOnce(secrets: SecretRequirement[]): SecretRequirement[] {
  if (secrets.length < 2) return secrets;
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
  return compareTexts(a.name, b.name) || compareTexts(a.type, b.type) || compareTexts(a.target ?? "", b.target ?? "");
}

/** As `<` orders texts. That one calls into the runtime for names that are slices of references, as most are. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
