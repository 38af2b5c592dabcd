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

/** The spans of one output, in the order of their ends. Kept in columns while a template runs, because there are many. */
export class Spans {
  readonly #marks: SpanMark[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #origins: Origins[] = [];

  get length(): number {
    return this.#marks.length;
  }

  add(mark: SpanMark, range: { start: number; end: number }, origins: Origins): void {
    this.#marks.push(mark);
    this.#starts.push(range.start);
    this.#ends.push(range.end);
    this.#origins.push(origins);
  }

  /** Forgets all after the first `length`. */
  truncate(length: number): void {
    this.#marks.length = length;
    this.#starts.length = length;
    this.#ends.length = length;
    this.#origins.length = length;
  }

  /** What the spans were made from. */
  get origins(): readonly Origins[] {
    return this.#origins;
  }

  get all(): Span[] {
    return this.#marks.map((mark, index) => ({
      mark,
      start: this.#starts[index] ?? 0,
      end: this.#ends[index] ?? 0,
      origins: this.#origins[index] as Origins,
    }));
  }

  addPathsTo(paths: Set<DecisionPath>): void {
    for (const origins of this.#origins) addPaths(origins, paths);
  }
}
