import { compileDecisionSchema, type DecisionSchema } from "#core/decision-schema.ts";
import { isJsonObject, type JsonObject, pointerToken } from "#core/json.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { type LineOrigins, lineOrigins } from "#render/trace/line-origins.ts";
import { addPaths, type DecisionPath } from "#render/trace/origin.ts";
import type { Spans } from "#render/trace/spans.ts";

/**
 * Where one line of an output comes from. `values` and `conditions` are JSON Pointers of decisions, sorted; a pointer stands for
 * everything below it. A decision is a condition when it decides whether the line is there.
 */
export type LineProvenance = {
  readonly places: readonly TemplatePlace[];
  readonly values: readonly string[];
  readonly conditions: readonly string[];
};
export type TracedFile = {
  readonly filename: string;
  readonly text: string;
  readonly spans: Spans;
  /** What decided that the file is there at all. */
  readonly conditions: ReadonlySet<DecisionPath>;
};

/** Where the lines of a render come from. Spans are laid over the lines of a file when somebody asks for that file. */
export class Provenance {
  readonly #files: ReadonlyMap<string, TracedFile>;
  readonly #lines = new Map<string, readonly LineProvenance[]>();
  readonly #schema: JsonObject;

  constructor(files: readonly TracedFile[], schema: JsonObject) {
    this.#files = new Map(files.map((file) => [file.filename, file]));
    this.#schema = schema;
  }

  /** Rendered files; copied ones depend on no decision. */
  get filenames(): string[] {
    return [...this.#files.keys()].toSorted();
  }

  /** One entry per line of a file, in order; none for a file that was not rendered. */
  linesOf(filename: string): readonly LineProvenance[] {
    const known = this.#lines.get(filename);
    if (known !== undefined) return known;
    const file = this.#files.get(filename);
    if (file === undefined) return [];
    const controllers = controllersOf(this.#schema);
    const lines = lineOrigins(file.text, file.spans.all).map((line) => describeLine(line, file, controllers));
    this.#lines.set(filename, lines);
    return lines;
  }

  /**
   * Where characters of a file hold, or were computed from, one of these decisions (JSON Pointers): `[start, end)`, sorted
   * and apart. Text that such a decision only let stand, as a condition, is not among them.
   */
  rangesOf(filename: string, decisions: readonly string[]): { start: number; end: number }[] {
    const isMeant = (pointer: string) =>
      decisions.some((decision) => isWithin(pointer, decision) || isWithin(decision, pointer));
    const ranges: { start: number; end: number }[] = [];
    for (const span of this.#files.get(filename)?.spans.all ?? []) {
      if (span.mark.kind === "condition" || span.start === span.end) continue;
      const paths = new Set<DecisionPath>();
      addPaths(span.origins, paths);
      if (![...paths].some(({ pointer }) => isMeant(pointer))) continue;
      const last = ranges.at(-1);
      if (last !== undefined && span.start <= last.end) last.end = Math.max(last.end, span.end);
      else ranges.push({ start: span.start, end: span.end });
    }
    return ranges;
  }

  /** The text that was traced; null for a file that was copied or is not there. */
  textOf(filename: string): string | null {
    return this.#files.get(filename)?.text ?? null;
  }

  /** The files and lines (from 1) that a decision reaches, as value or condition. */
  linesOfDecision(decision: string): { filename: string; line: number }[] {
    return this.filenames.flatMap((filename) =>
      this.linesOf(filename).flatMap((line, index) =>
        namesDecision(line, decision) ? [{ filename, line: index + 1 }] : [],
      ),
    );
  }
}

function describeLine(line: LineOrigins, file: TracedFile, controllers: Controllers): LineProvenance {
  const values = new Set([...line.values].map(({ pointer }) => pointer));
  const conditions = new Set([...line.conditions, ...file.conditions].map(({ pointer }) => pointer));
  for (const pointer of controllers.of([...values, ...conditions])) if (!values.has(pointer)) conditions.add(pointer);
  return { places: [...line.places.values()], values: [...values].toSorted(), conditions: [...conditions].toSorted() };
}

/** Whether a line names a decision: itself or something that it is part of. */
export const namesDecision = (line: LineProvenance, decision: string): boolean =>
  [...line.values, ...line.conditions].some((pointer) => decision === pointer || decision.startsWith(`${pointer}/`));

const isWithin = (inner: string, outer: string) => inner === outer || inner.startsWith(`${outer}/`);

/** A schema never changes: what was learnt of it serves every render of its pack. */
const learnt = new WeakMap<JsonObject, Controllers>();
function controllersOf(schema: JsonObject): Controllers {
  let controllers = learnt.get(schema);
  if (controllers === undefined) {
    controllers = new Controllers(schema);
    learnt.set(schema, controllers);
  }
  return controllers;
}

/**
 * The decisions that decide whether other decisions apply (`x-depends-on`): a line made from a decision also depends on what
 * may prune it, and on what may prune that.
 */
class Controllers {
  readonly #rules = new Map<string, readonly string[]>();
  readonly #found = new Map<string, ReadonlySet<string>>();

  constructor(schema: JsonObject) {
    const compiled = compileDecisionSchema(schema);
    if (compiled.ok) this.#collect(compiled.value, compiled.value.root, "");
  }

  #collect(schema: DecisionSchema, node: JsonObject, pointer: string): void {
    if (pointer.split("/").length > NESTING_MAX) return;
    for (const [key, child] of schema.properties(node)) {
      const below = `${pointer}/${pointerToken(key)}`;
      const folded = schema.folded(child);
      const rule = folded["x-depends-on"];
      if (isJsonObject(rule)) {
        const decisions = Object.keys(rule).map((path) => `/${path.split(".").map(pointerToken).join("/")}`);
        this.#rules.set(below, decisions);
      }
      this.#collect(schema, folded, below);
    }
  }

  of(pointers: readonly string[]): Set<string> {
    const found = new Set<string>();
    for (const pointer of pointers) for (const controller of this.#controllersOf(pointer)) found.add(controller);
    return found;
  }

  #controllersOf(pointer: string): ReadonlySet<string> {
    const known = this.#found.get(pointer);
    if (known !== undefined) return known;
    const found = new Set<string>();
    const visit = (at: string): void => {
      for (const [ruled, controllers] of this.#rules) {
        const isRelated = ruled === at || at.startsWith(`${ruled}/`) || ruled.startsWith(`${at}/`);
        if (!isRelated) continue;
        for (const controller of controllers) {
          if (found.has(controller)) continue;
          found.add(controller);
          visit(controller);
        }
      }
    };
    visit(pointer);
    this.#found.set(pointer, found);
    return found;
  }
}

const NESTING_MAX = 32;
