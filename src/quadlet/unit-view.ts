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

const NONE: readonly Assignment[] = [];
const NO_WORDS: readonly PlacedWord[] = [];

function splitAll(assignments: readonly Assignment[], style: WordStyle): PlacedWord[] {
  const found: PlacedWord[] = [];
  for (const assignment of assignments) {
    for (const { text, offset } of splitWords(assignment.value, style).words) found.push({ text, offset, assignment });
  }
  return found;
}

const TRUE_WORDS = new Set(["1", "yes", "true", "on"]);

/**
 * One unit as a given Podman sees it: its file with the drop-ins merged in, repeated sections joined, and every look-up
 * under the rules of that version. Built once per unit; look-ups cost nothing but the decoding.
 */
export class UnitView {
  readonly podman: string;
  private readonly areQuotesMatched: boolean;
  private readonly sections = new Map<string, Map<string, Assignment[]>>();
  private readonly keysOf = new Map<string, readonly string[]>();
  private readonly splits = {
    words: new Map<readonly Assignment[], readonly PlacedWord[]>(),
    args: new Map<readonly Assignment[], readonly PlacedWord[]>(),
  };

  constructor(files: readonly UnitFile[], podman: string) {
    this.podman = podman;
    this.areQuotesMatched = isAtLeast(podman, MATCHED_QUOTES_SINCE);
    for (const file of files) {
      for (const node of file.nodes) {
        if (node.type === "section") this.section(node.name);
        if (node.type !== "assignment") continue;
        const keys = this.section(node.section);
        const assignments = keys.get(node.key);
        if (assignments === undefined) keys.set(node.key, [node]);
        else assignments.push(node);
      }
    }
  }

  private section(name: string): Map<string, Assignment[]> {
    const known = this.sections.get(name);
    if (known !== undefined) return known;
    const made = new Map<string, Assignment[]>();
    this.sections.set(name, made);
    return made;
  }

  hasSection(section: string): boolean {
    return this.sections.has(section);
  }

  sectionNames(): string[] {
    return [...this.sections.keys()];
  }

  keys(section: string): readonly string[] {
    const known = this.keysOf.get(section);
    if (known !== undefined) return known;
    const keys = [...(this.sections.get(section)?.keys() ?? [])];
    this.keysOf.set(section, keys);
    return keys;
  }

  /** Every assignment as written, resets and what they cancel included. */
  written(section: string, key: string): readonly Assignment[] {
    return this.sections.get(section)?.get(key) ?? NONE;
  }

  last(section: string, key: string): Assignment | null {
    return this.written(section, key).at(-1) ?? null;
  }

  /** The assignments that count for a repeatable key: an empty one cancels all before it. */
  all(section: string, key: string): readonly Assignment[] {
    const assignments = this.written(section, key);
    const reset = assignments.findLastIndex((assignment) => assignment.value === "");
    return reset === -1 ? assignments : assignments.slice(reset + 1);
  }

  /** A scalar as text; null when the key does not occur, "" when it occurs empty (which the generator takes as unset). */
  string(section: string, key: string): string | null {
    const assignment = this.last(section, key);
    return assignment === null ? null : unquote(assignment.value, this.areQuotesMatched);
  }

  /** Everything but the four words of truth is false: the generator never refuses a boolean. */
  bool(section: string, key: string): boolean | null {
    const value = this.string(section, key);
    return value === null ? null : TRUE_WORDS.has(value.toLowerCase());
  }

  /** Split once for all who ask, since many do. */
  words(section: string, key: string, style: WordStyle): readonly PlacedWord[] {
    const written = this.written(section, key);
    if (written.length === 0) return NO_WORDS;
    const cache = this.splits[style];
    const known = cache.get(written) ?? splitAll(this.all(section, key), style);
    cache.set(written, known);
    return known;
  }

  /** The last assignment only, split: how `Exec=` and `ReloadCmd=` are read. */
  lastWords(section: string, key: string): PlacedWord[] {
    const assignment = this.last(section, key);
    if (assignment === null) return [];
    return splitWords(assignment.value, "args").words.map((word) => ({ ...word, assignment }));
  }

  /** KEY=VALUE words; the value is null for a word without `=`. A later word of the same key overrides an earlier one. */
  keyvals(section: string, key: string): Map<string, { value: string | null; word: PlacedWord }> {
    const found = new Map<string, { value: string | null; word: PlacedWord }>();
    for (const word of this.words(section, key, "args")) {
      const equals = word.text.indexOf("=");
      const name = equals === -1 ? word.text : word.text.slice(0, equals);
      found.set(name, { value: equals === -1 ? null : word.text.slice(equals + 1), word });
    }
    return found;
  }
}
