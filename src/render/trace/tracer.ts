import type { TextCode } from "#render/compile/program.ts";
import type { Slots } from "#render/run.ts";
import { addPaths, DecisionPath, joinOrigins, NO_ORIGINS, type Origins } from "#render/trace/origin.ts";
import { type SpanMark, Spans } from "#render/trace/spans.ts";
import { isLongText } from "#render/values/meter.ts";
import { isPlainWord } from "#render/values/plain-word.ts";

type TracerMark = Pick<Tracer, "offset" | "reads" | "control" | "spans"> & { readonly spanCount: number };

/**
 * Records while a traced variant runs where its output comes from. Lists and mappings among the decisions are known by
 * identity, so only what is read of them at last counts: `services.web.port` reads one decision, not three. Everything
 * else is noted when it is read, and collected by the statement that reads it.
 *
 * A list or mapping becomes known when a template gets hold of it: by its name, as a member, as an item of a loop, or as part of a value
 * that is handed over whole (`#learnAll`).
 */
export class Tracer {
  spans = new Spans();
  offset = 0;
  /** What the expression at work has read so far. */
  reads: Origins = NO_ORIGINS;
  /** The conditions around the statement at work; they count for variables that it sets. */
  control: Origins = NO_ORIGINS;
  readonly #root = new DecisionPath(null, "");
  readonly #decisions: object;
  readonly #paths = new Map<object, DecisionPath>();
  /** Those whose members are known too, however deep. */
  readonly #whole = new Set<object>();
  /** What was asked for last: templates read one member after the other of the same mapping. */
  #last: object | null = null;
  #lastPath: DecisionPath | undefined = undefined;
  readonly #made = new WeakMap<object, Origins>();
  readonly #exports = new WeakMap<object, Readonly<Record<string, Origins | undefined>>>();

  constructor(decisions: object) {
    this.#decisions = decisions;
    this.#paths.set(decisions, this.#root);
    for (const [name, value] of Object.entries(decisions) as [string, unknown][]) {
      if (isContainer(value)) this.#learn(value, this.#root, name);
    }
  }

  #learn(value: object, parent: DecisionPath, key: string | number): void {
    let path = this.#paths.get(value);
    if (path === undefined) {
      path = new DecisionPath(parent, String(key));
      this.#paths.set(value, path);
    }
    this.#last = value;
    this.#lastPath = path;
  }

  #learnAll(value: object, path: DecisionPath): void {
    if (this.#whole.has(value)) return;
    this.#whole.add(value);
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      if (!isContainer(item)) continue;
      this.#learn(item, path, key);
      this.#learnAll(item, this.#lastPath ?? path);
    }
  }

  #pathOf(value: object): DecisionPath | undefined {
    if (value === this.#last) return this.#lastPath;
    this.#last = value;
    this.#lastPath = this.#paths.get(value);
    return this.#lastPath;
  }

  /** It is a list or mapping among the decisions, and was met before. */
  #isKnown(value: unknown): boolean {
    if (typeof value !== "object" || value === null) return false;
    const path = this.#paths.get(value);
    if (path === undefined) return false;
    this.#last = value;
    this.#lastPath = path;
    return true;
  }

  /** Forgets the spans of another output; what is known of the decisions stays. */
  begin(): void {
    this.spans = new Spans();
    this.offset = 0;
    this.reads = NO_ORIGINS;
    this.control = NO_ORIGINS;
  }

  /** What a fault is about, as JSON Pointer, by what was read when it happened. */
  suspect(): string | undefined {
    return this.suspectOf(this.reads);
  }

  /** Of several decisions the one whose own text is not plain: most faults of values come from it. Else the first that was read. */
  suspectOf(origins: Origins): string | undefined {
    const paths = new Set<DecisionPath>();
    addPaths(origins, paths);
    const known = [...paths]
      .toReversed() // joins are walked from the last one back
      .map((path) => ({ path, value: path.valueIn(this.#decisions) }))
      .filter(({ path, value }) => path !== this.#root && value !== undefined);
    const unsafe = known.find(({ value }) => typeof value === "string" && (isLongText(value) || !isPlainWord(value)));
    return (unsafe ?? known[0])?.path.pointer;
  }

  /** The state to go back to when what follows fails. */
  mark(): TracerMark {
    const { offset, reads, control, spans } = this;
    return { offset, reads, control, spans, spanCount: spans.length };
  }

  backTo({ offset, reads, control, spans, spanCount }: TracerMark): void {
    spans.truncate(spanCount);
    Object.assign(this, { offset, reads, control, spans });
  }

  note(origins: Origins | undefined): void {
    if (origins !== undefined) this.reads = joinOrigins(this.reads, origins);
  }

  /** The origins of a top-level name of the context; undefined names may become decisions, so they count too. */
  originsOfName(name: string, value: unknown): Origins {
    const isDecisions = typeof value === "object" && value !== null && this.#paths.has(value);
    return isDecisions ? NO_ORIGINS : this.#root.child(name);
  }

  /** Notes that `key` of `target` was read and gave `value`. */
  noteMember(target: unknown, key: unknown, value: unknown): void {
    if (typeof target !== "object" || target === null) return;
    const path = this.#pathOf(target);
    if (path === undefined) this.#noteExport(target, key);
    else if (typeof value === "function") {
      // A method: what it gives may hold anything that is below.
      this.#learnAll(target, path);
      this.note(path);
    } else if (this.#isKnown(value)) return;
    else if (isContainer(value)) this.#learn(value, path, key as string | number);
    else if (Array.isArray(target) && key === "length") this.note(path);
    else this.note(path.child(String(key)));
  }

  #noteExport(target: object, key: unknown): void {
    const exported = this.#exports.get(target);
    if (exported !== undefined && typeof key === "string" && Object.hasOwn(exported, key)) this.note(exported[key]);
  }

  /** Notes all of a value: it is printed, compared or handed to a filter. */
  noteWhole(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const path = this.#pathOf(value);
    if (path === undefined) this.note(this.#originsOfMade(value, 0));
    else {
      this.#learnAll(value, path);
      this.note(path);
    }
  }

  /** What is in a list or mapping that a template made. It never changes, and is looked through once, however often it is used. */
  #originsOfMade(value: object, depth: number): Origins {
    const known = this.#made.get(value);
    if (known !== undefined) return known;
    let origins = NO_ORIGINS;
    const isPlain = Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null;
    const items: unknown[] = Array.isArray(value) ? value : isPlain ? Object.values(value) : [];
    if (depth <= MADE_DEPTH_MAX) {
      for (const item of items) {
        if (typeof item !== "object" || item === null) continue;
        const path = this.#paths.get(item);
        if (path !== undefined) this.#learnAll(item, path);
        origins = joinOrigins(origins, path ?? this.#originsOfMade(item, depth + 1));
      }
    }
    this.#made.set(value, origins);
    return origins;
  }

  /** Notes which members a list or mapping has, and those of them that are no lists or mappings themselves. */
  noteShape(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const path = this.#pathOf(value);
    if (path === undefined) return;
    this.#learnAll(value, path);
    this.note(path);
  }

  /** Which members a looped value has: they become known one by one, in its rounds, unless these take them apart. */
  originsOfLoop(value: unknown, isUnpacking: boolean): Origins {
    if (typeof value !== "object" || value === null) return NO_ORIGINS;
    const path = this.#pathOf(value);
    if (path === undefined) return NO_ORIGINS;
    if (isUnpacking) this.#learnAll(value, path);
    return path;
  }

  /** Where one item of a looped value comes from; `list` is what the whole list was computed from. */
  originsOfItem(container: unknown, key: string | number, made: { item: unknown; list: Origins }): Origins {
    if (typeof container !== "object" || container === null) return made.list;
    const path = this.#pathOf(container);
    if (isContainer(made.item)) {
      if (path !== undefined) this.#learn(made.item, path, key);
      // An item that was found elsewhere speaks for itself, as it does here.
      return made.list;
    }
    return path === undefined ? made.list : joinOrigins(made.list, path.child(String(key)));
  }

  rememberExports(exported: object, origins: Readonly<Record<string, Origins | undefined>>): void {
    this.#exports.set(exported, origins);
  }
  originsOfExport(exported: object, name: string): Origins {
    return this.#exports.get(exported)?.[name] ?? NO_ORIGINS;
  }

  /** Starts to note what is read from here on apart; gives what `stopReading` needs. */
  startReading(): Origins {
    const outer = this.reads;
    this.reads = NO_ORIGINS;
    return outer;
  }

  /** What was read since, which is not noted anywhere else. */
  stopReading(outer: Origins): Origins {
    const origins = this.reads;
    this.reads = outer;
    return origins;
  }

  /** Runs code and gives what it read. */
  reading<T>(code: () => T): { value: T; origins: Origins } {
    const outer = this.startReading();
    const value = code();
    return { value, origins: this.stopReading(outer) };
  }

  /** Runs code whose output becomes a value: its spans are left out, and all that they came from is noted. */
  capturing<T>(code: () => T): T {
    const { spans, offset } = this;
    this.spans = new Spans();
    this.offset = 0;
    const value = code();
    const inner = this.spans;
    this.spans = spans;
    this.offset = offset;
    for (const origins of inner.origins) this.note(origins);
    return value;
  }

  /** Runs code whose output is thrown away. */
  discarding<T>(code: () => T): T {
    const { spans, offset, reads } = this;
    this.spans = new Spans();
    const value = code();
    this.spans = spans;
    this.offset = offset;
    this.reads = reads;
    return value;
  }

  addText(mark: SpanMark, text: string): void {
    const start = this.offset;
    this.offset = start + text.length;
    this.spans.add(mark, { start, end: this.offset }, NO_ORIGINS);
  }

  addValue(mark: SpanMark, range: { start: number; end: number }, origins: Origins): void {
    this.offset = range.end;
    this.spans.add(mark, range, origins);
  }

  /** Everything since `start` is there because of a condition. */
  addCondition(mark: SpanMark, start: number, origins: Origins): void {
    if (origins !== NO_ORIGINS) this.spans.add(mark, { start, end: this.offset }, origins);
  }
}

/** What lies deeper in a list of lists is not looked for. */
const MADE_DEPTH_MAX = 16;

const isContainer = (value: unknown): value is object =>
  typeof value === "object" &&
  value !== null &&
  (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype);

/** Text that becomes a value, made by `code`: what it came from is noted, and none of it is output yet. */
export const capturedText = (slots: Slots, code: TextCode): string => {
  const { tracer } = slots[0].run;
  return tracer === null ? code(slots) : tracer.capturing(() => code(slots));
};
