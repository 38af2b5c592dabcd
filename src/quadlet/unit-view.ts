import { trimEnd, type Assignment, type UnitFile } from "#quadlet/parse-unit.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";
import { splitWords, type Word, type WordStyle } from "#quadlet/split-words.ts";

/** A word or value together with the assignment that it stands in; `offset` counts from the start of its value. */
export type PlacedWord = Word & { readonly assignment: Assignment };

/** Before 5.8.2 every quote at either end of a scalar was cut off, matched or not. */
const MATCHED_QUOTES_SINCE = "5.8.2";

function unquote(value: string, areQuotesMatched: boolean): string {
  const text = trimEnd(value);
  if (!text.startsWith('"') && !text.endsWith('"')) return text;
  if (areQuotesMatched) {
    return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
  }
  let from = 0;
  let to = text.length;
  while (from < to && text.charAt(from) === '"') from += 1;
  while (to > from && text.charAt(to - 1) === '"') to -= 1;
  return text.slice(from, to);
}

function splitAll(assignments: readonly Assignment[], style: WordStyle): readonly PlacedWord[] {
  const found: PlacedWord[] = [];
  for (const assignment of assignments) {
    for (const { text, offset } of splitWords(assignment.value, style).words) found.push({ text, offset, assignment });
  }
  return found;
}

/** A word KEY=VALUE; the value is null for a word without `=`. */
export type Pair = { readonly value: string | null; readonly word: PlacedWord };

/** A later word of the same key overrides an earlier one. */
function pairsOf(words: readonly PlacedWord[]): ReadonlyMap<string, Pair> {
  const found = new Map<string, Pair>();
  for (const word of words) {
    const equals = word.text.indexOf("=");
    const name = equals === -1 ? word.text : word.text.slice(0, equals);
    found.set(name, { value: equals === -1 ? null : word.text.slice(equals + 1), word });
  }
  return found;
}

const TRUE_WORDS = new Set(["1", "yes", "true", "on"]);

/** All that is written for one key of one section, decoded once for everybody who asks. */
export class KeyValues {
  readonly section: string;
  readonly key: string;
  /** Every assignment as written, resets and what they cancel included; never empty. */
  readonly written: readonly Assignment[];
  private readonly assignments: Assignment[];
  private latest: Assignment;
  private readonly areQuotesMatched: boolean;
  private counting: readonly Assignment[] | null = null;
  private text: string | null = null;
  private asWords: readonly PlacedWord[] | null = null;
  private asArgs: readonly PlacedWord[] | null = null;
  private asPairs: ReadonlyMap<string, Pair> | null = null;

  constructor(first: Assignment, areQuotesMatched: boolean) {
    this.section = first.section;
    this.key = first.key;
    this.assignments = [first];
    this.written = this.assignments;
    this.latest = first;
    this.areQuotesMatched = areQuotesMatched;
  }

  /** Only while the view is built: what has been decoded stays as it is. */
  add(assignment: Assignment): void {
    this.assignments.push(assignment);
    this.latest = assignment;
  }

  get last(): Assignment {
    return this.latest;
  }

  /** The assignments that count for a repeatable key: an empty one cancels all before it. */
  all(): readonly Assignment[] {
    if (this.counting === null) {
      const reset = this.written.findLastIndex((assignment) => assignment.value === "");
      this.counting = reset === -1 ? this.written : this.written.slice(reset + 1);
    }
    return this.counting;
  }

  /** As a scalar; "" when it occurs empty, which the generator takes as unset. */
  string(): string {
    this.text ??= unquote(this.last.value, this.areQuotesMatched);
    return this.text;
  }

  /** Everything but the four words of truth is false: the generator never refuses a boolean. */
  bool(): boolean {
    return TRUE_WORDS.has(this.string().toLowerCase());
  }

  words(style: WordStyle): readonly PlacedWord[] {
    if (style === "words") {
      this.asWords ??= splitAll(this.all(), style);
      return this.asWords;
    }
    this.asArgs ??= splitAll(this.all(), style);
    return this.asArgs;
  }

  keyvals(): ReadonlyMap<string, Pair> {
    this.asPairs ??= pairsOf(this.words("args"));
    return this.asPairs;
  }
}

const NO_ASSIGNMENTS: readonly Assignment[] = [];
const NO_WORDS: readonly PlacedWord[] = [];
const NO_PAIRS: ReadonlyMap<string, Pair> = new Map();

/**
 * One unit as a given Podman sees it: its file with the drop-ins merged in, repeated sections joined, and every look-up
 * under the rules of that version.
 */
export class UnitView {
  readonly podman: string;
  private readonly areQuotesMatched: boolean;
  private readonly sections = new Map<string, Map<string, KeyValues>>();

  constructor(files: readonly UnitFile[], podman: string) {
    this.podman = podman;
    this.areQuotesMatched = isAtLeast(podman, MATCHED_QUOTES_SINCE);
    for (const file of files) this.read(file);
  }

  private read(file: UnitFile): void {
    let keys = new Map<string, KeyValues>();
    for (const node of file.nodes) {
      if (node.type === "section") {
        keys = this.sections.get(node.name) ?? new Map<string, KeyValues>();
        this.sections.set(node.name, keys);
      } else if (node.type === "assignment") {
        const known = keys.get(node.key);
        if (known === undefined) keys.set(node.key, new KeyValues(node, this.areQuotesMatched));
        else known.add(node);
      }
    }
  }

  sectionNames(): Iterable<string> {
    return this.sections.keys();
  }

  /** The keys of a section, in the order in which they first occur. */
  keys(section: string): readonly string[] {
    return [...(this.sections.get(section)?.keys() ?? [])];
  }

  /** The same with what is written for them. */
  values(section: string): Iterable<KeyValues> {
    return this.sections.get(section)?.values() ?? [];
  }

  key(section: string, key: string): KeyValues | null {
    return this.sections.get(section)?.get(key) ?? null;
  }

  written(section: string, key: string): readonly Assignment[] {
    return this.key(section, key)?.written ?? NO_ASSIGNMENTS;
  }

  last(section: string, key: string): Assignment | null {
    return this.key(section, key)?.last ?? null;
  }

  all(section: string, key: string): readonly Assignment[] {
    return this.key(section, key)?.all() ?? NO_ASSIGNMENTS;
  }

  /** Null when the key does not occur. */
  string(section: string, key: string): string | null {
    return this.key(section, key)?.string() ?? null;
  }

  /** Null when the key does not occur. */
  bool(section: string, key: string): boolean | null {
    return this.key(section, key)?.bool() ?? null;
  }

  words(section: string, key: string, style: WordStyle): readonly PlacedWord[] {
    return this.key(section, key)?.words(style) ?? NO_WORDS;
  }

  /** The last assignment only, split: how `Exec=` and `ReloadCmd=` are read. */
  lastWords(section: string, key: string): readonly PlacedWord[] {
    const assignment = this.last(section, key);
    return assignment === null ? NO_WORDS : splitAll([assignment], "args");
  }

  keyvals(section: string, key: string): ReadonlyMap<string, Pair> {
    return this.key(section, key)?.keyvals() ?? NO_PAIRS;
  }
}
