import type { TemplatePlace } from "#render/fault.ts";
import { addPaths, type DecisionPath, type Origins } from "#render/trace/origin.ts";

/** What is known of a span when its template is compiled. */
export type SpanMark = {
  readonly kind: "text" | "value" | "condition";
  /** The statement or expression; for fixed text the place where it starts. */
  readonly place: TemplatePlace;
  /** A condition between whole lines: neither choice of it touches the lines around it. */
  readonly isLinewise: boolean;
};

/** A part of an output: characters from `start` to `end`, where they were written, and the decisions that made them. */
export type Span = {
  readonly start: number;
  readonly end: number;
  readonly mark: SpanMark;
  readonly origins: Origins;
};

type Chunk = {
  /** How many spans were in the chunks before. */
  readonly before: number;
  /** A span after the other: its mark, start, end and origins. */
  readonly fields: unknown[];
};

const FIELDS = 4;
const CHUNK_SPANS_MIN = 16;
const CHUNK_SPANS_MAX = 1024;

/**
 * The spans of one output, in the order of their ends. There are many, and they are only looked at when somebody asks for a line: they are
 * kept as fields in a row, in chunks that are made at their full size, because an array that grows is copied again and again.
 */
export class Spans {
  #chunks: Chunk[] = [];
  #fields: unknown[] = [];
  #fill = 0;

  get length(): number {
    return (this.#chunks.at(-1)?.before ?? 0) + this.#fill / FIELDS;
  }

  add(mark: SpanMark, range: { start: number; end: number }, origins: Origins): void {
    if (this.#fill === this.#fields.length) this.#addChunk();
    const fields = this.#fields;
    const at = this.#fill;
    fields[at] = mark;
    fields[at + 1] = range.start;
    fields[at + 2] = range.end;
    fields[at + 3] = origins;
    this.#fill = at + FIELDS;
  }

  #addChunk(): void {
    const before = this.length;
    const spans = Math.max(CHUNK_SPANS_MIN, Math.min(CHUNK_SPANS_MAX, before));
    // oxlint-disable-next-line unicorn/no-new-array -- Array.from sets each item: traced renders would take three times as long
    this.#fields = new Array<unknown>(spans * FIELDS);
    this.#fill = 0;
    this.#chunks.push({ before, fields: this.#fields });
  }

  /** Forgets all after the first `length`. */
  truncate(length: number): void {
    this.#chunks = this.#chunks.filter(({ before }) => before < length);
    const last = this.#chunks.at(-1);
    this.#fields = last?.fields ?? [];
    this.#fill = last === undefined ? 0 : (length - last.before) * FIELDS;
  }

  /** What the spans were made from. */
  get origins(): readonly Origins[] {
    return this.#map((fields, at) => fields[at + 3] as Origins);
  }

  get all(): Span[] {
    return this.#map((fields, at) => ({
      mark: fields[at] as SpanMark,
      start: fields[at + 1] as number,
      end: fields[at + 2] as number,
      origins: fields[at + 3] as Origins,
    }));
  }

  addPathsTo(paths: Set<DecisionPath>): void {
    for (const origins of this.origins) addPaths(origins, paths);
  }

  #map<T>(of: (fields: readonly unknown[], at: number) => T): T[] {
    const results: T[] = [];
    for (const { fields } of this.#chunks) {
      const end = fields === this.#fields ? this.#fill : fields.length;
      for (let at = 0; at < end; at += FIELDS) results.push(of(fields, at));
    }
    return results;
  }
}
