import type { TemplatePlace } from "#render/fault.ts";
import { addPaths, DecisionPath, joinOrigins, NO_ORIGINS, type Origins } from "#render/trace/origin.ts";
import { isPlainWord } from "#render/values/plain-word.ts";

/** A part of an output: characters from `start` to `end`, where they were written, and the decisions that made them. */
export type Span = {
  readonly start: number;
  readonly end: number;
  /** The statement or expression; for fixed text the place where it starts. */
  readonly place: TemplatePlace;
  readonly kind: "text" | "value" | "condition";
  readonly origins: Origins;
  /** A condition between whole lines: neither choice of it touches the lines around it. */
  readonly isLinewise: boolean;
};

type TracerMark = Pick<Tracer, "offset" | "reads" | "control" | "spans"> & { readonly spanCount: number };

/**
 * Records while a traced variant runs where its output comes from. Lists and mappings among the decisions are known by
 * identity, so only what is read of them at last counts: `services.web.port` reads one decision, not three. Everything
 * else is noted when it is read, and collected by the statement that reads it.
 */
export class Tracer {
  spans: Span[] = [];
  offset = 0;
  /** What the expression at work has read so far. */
  reads: Origins = NO_ORIGINS;
  /** The conditions around the statement at work; they count for variables that it sets. */
  control: Origins = NO_ORIGINS;
  readonly #root = new DecisionPath(null, "");
  readonly #decisions: object;
  readonly #paths = new Map<object, DecisionPath>();
  readonly #exports = new WeakMap<object, Readonly<Record<string, Origins | undefined>>>();

  constructor(decisions: object) {
    this.#decisions = decisions;
    this.#learn(decisions, this.#root);
  }

  #learn(value: object, path: DecisionPath): void {
    if (this.#paths.has(value)) return;
    this.#paths.set(value, path);
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      if (typeof item === "object" && item !== null && isContainer(item)) this.#learn(item, path.child(key));
    }
  }

  /** Forgets the spans of another output; what is known of the decisions stays. */
  begin(): void {
    this.spans = [];
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
    const unsafe = known.find(({ value }) => typeof value === "string" && !isPlainWord(value));
    return (unsafe ?? known[0])?.path.pointer;
  }

  /** The state to go back to when what follows fails. */
  mark(): TracerMark {
    const { offset, reads, control, spans } = this;
    return { offset, reads, control, spans, spanCount: spans.length };
  }

  backTo({ offset, reads, control, spans, spanCount }: TracerMark): void {
    spans.length = spanCount;
    Object.assign(this, { offset, reads, control, spans });
  }

  isDecisions(value: unknown): boolean {
    return typeof value === "object" && value !== null && this.#paths.has(value);
  }

  note(origins: Origins | undefined): void {
    if (origins !== undefined) this.reads = joinOrigins(this.reads, origins);
  }

  /** The origins of a top-level name of the context; undefined names may become decisions, so they count too. */
  originsOfName(name: string, value: unknown): Origins {
    return this.isDecisions(value) ? NO_ORIGINS : this.#root.child(name);
  }

  /** Notes that `key` of `target` was read and gave `value`. */
  noteMember(target: unknown, key: unknown, value: unknown): void {
    if (typeof target !== "object" || target === null) return;
    const path = this.#paths.get(target);
    if (path !== undefined) {
      const isMethod = typeof value === "function" || (Array.isArray(target) && key === "length");
      if (isMethod) this.note(path);
      else if (!this.isDecisions(value)) this.note(path.child(String(key)));
      return;
    }
    const exported = this.#exports.get(target);
    if (exported !== undefined && typeof key === "string" && Object.hasOwn(exported, key)) this.note(exported[key]);
  }

  /** Notes all of a value: it is printed, compared or handed to a filter. */
  noteWhole(value: unknown, depth = 0): void {
    if (typeof value !== "object" || value === null || depth > 16) return;
    const path = this.#paths.get(value);
    if (path !== undefined) {
      this.note(path);
    } else if (Array.isArray(value)) {
      for (const item of value) if (typeof item === "object") this.noteWhole(item, depth + 1);
    } else if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
      for (const item of Object.values(value)) if (typeof item === "object") this.noteWhole(item, depth + 1);
    }
  }

  /** Notes which members a list or mapping has, and those of them that are no lists or mappings themselves. */
  noteShape(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    const path = this.#paths.get(value);
    if (path !== undefined) this.note(path);
  }

  /** Where one item of a looped value comes from; `list` is what the whole list was computed from. */
  originsOfItem(container: unknown, key: string, made: { item: unknown; list: Origins }): Origins {
    if (typeof container !== "object" || container === null || this.isDecisions(made.item)) return made.list;
    const path = this.#paths.get(container);
    return path === undefined ? made.list : joinOrigins(made.list, path.child(key));
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
    this.spans = [];
    this.offset = 0;
    const value = code();
    const inner = this.spans;
    this.spans = spans;
    this.offset = offset;
    for (const span of inner) this.note(span.origins);
    return value;
  }

  /** Runs code whose output is thrown away. */
  discarding<T>(code: () => T): T {
    const { spans, offset, reads } = this;
    this.spans = [];
    const value = code();
    this.spans = spans;
    this.offset = offset;
    this.reads = reads;
    return value;
  }

  /** Runs code under a condition. */
  under<T>(condition: Origins, code: () => T): T {
    const outer = this.control;
    this.control = joinOrigins(outer, condition);
    const value = code();
    this.control = outer;
    return value;
  }

  addText(place: TemplatePlace, text: string): void {
    const start = this.offset;
    this.offset = start + text.length;
    this.spans.push({ start, end: this.offset, place, kind: "text", origins: NO_ORIGINS, isLinewise: false });
  }

  addValue(place: TemplatePlace, start: number, made: { text: string; origins: Origins }): void {
    this.offset = start + made.text.length;
    this.spans.push({ start, end: this.offset, place, kind: "value", origins: made.origins, isLinewise: false });
  }

  addCondition(place: TemplatePlace, start: number, made: { origins: Origins; isLinewise: boolean }): void {
    if (made.origins === NO_ORIGINS) return;
    this.spans.push({ start, end: this.offset, place, kind: "condition", ...made });
  }
}

const isContainer = (value: object): boolean =>
  Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
