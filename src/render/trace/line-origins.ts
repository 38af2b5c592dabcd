import type { TemplatePlace } from "#render/fault.ts";
import { addPaths, type DecisionPath } from "#render/trace/origin.ts";
import type { Span } from "#render/trace/spans.ts";

/** What one line of an output was made from. */
export type LineOrigins = {
  readonly places: Map<string, TemplatePlace>;
  readonly values: Set<DecisionPath>;
  readonly conditions: Set<DecisionPath>;
};

/** Lines of a text; a line break at the end does not begin another one. */
export function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** Lays spans over lines. Every line that a span touches, also where it is empty, names what the span came from. */
export function lineOrigins(text: string, spans: readonly Span[]): LineOrigins[] {
  const lines = linesOf(text);
  const starts = lineStarts(lines, text);
  const origins = lines.map((): LineOrigins => ({ places: new Map(), values: new Set(), conditions: new Set() }));
  for (const span of spans) {
    if (span.mark.kind === "condition") addCondition({ lines, starts, origins }, span);
    else addContent({ lines, starts, origins }, span, text);
  }
  nameInBlankLines(lines, origins);
  return origins;
}

type Laid = {
  readonly lines: readonly string[];
  readonly starts: readonly number[];
  readonly origins: readonly LineOrigins[];
};

/** Where lines start; behind a last line break one more, on which nothing stands. */
function lineStarts(lines: readonly string[], text: string): number[] {
  let offset = 0;
  const starts = lines.map((line) => {
    const start = offset;
    offset += line.length + 1;
    return start;
  });
  if (offset === text.length) starts.push(offset);
  return starts;
}

/** The index of the line that holds an offset. */
function lineAt(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function addContent({ starts, origins }: Laid, span: Span, text: string): void {
  const { mark } = span;
  const first = lineAt(starts, span.start);
  const lastTouched = lineAt(starts, span.end);
  for (let line = first; line <= lastTouched; line++) {
    const origin = origins[line];
    if (origin === undefined) continue;
    addPaths(span.origins, origin.values);
    const isInside = (starts[line] ?? 0) < span.end && span.start < span.end;
    if (!isInside) continue;
    const written = mark.kind === "text" ? mark.place.line + (line - first) : mark.place.line;
    const startsHere = line === first;
    if (
      text.slice(Math.max(span.start, starts[line] ?? 0), Math.min(span.end, starts[line + 1] ?? span.end)).trim() ===
      ""
    )
      continue;
    const place = { ...mark.place, line: written, column: startsHere ? mark.place.column : 1 };
    origin.places.set(`${place.template}:${place.line}:${place.column}`, place);
  }
}

function addCondition({ lines, starts, origins }: Laid, span: Span): void {
  const first = lineAt(starts, span.start);
  const isAtStart = starts[first] === span.start;
  const last = lineAt(starts, span.end) - (span.mark.isLinewise && isAtStart ? 1 : 0);
  const name = (line: number) => {
    const origin = origins[line];
    if (origin !== undefined) addPaths(span.origins, origin.conditions);
  };
  for (let line = first; line <= last; line++) name(line);
  if (last < first) return;
  // A block of lines that can slide over equal lines may be seen as either: both name the condition.
  for (let from = first, to = last; lines[to + 1] !== undefined && lines[to + 1] === lines[from]; from++, to++)
    name(to + 1);
  for (let from = first, to = last; from > 0 && lines[from - 1] === lines[to]; from--, to--) name(from - 1);
}

/**
 * A file is not shipped when nothing but white space is left of it, and then its blank lines go too: they name what all the
 * other lines have in common.
 */
function nameInBlankLines(lines: readonly string[], origins: readonly LineOrigins[]): void {
  const full = origins.filter((_, index) => lines[index]?.trim() !== "");
  const [first, ...more] = full;
  if (first === undefined || full.length === origins.length) return;
  const shared = new Set([...first.conditions, ...first.values]);
  for (const path of shared) {
    if (!more.every(({ conditions, values }) => conditions.has(path) || values.has(path))) shared.delete(path);
  }
  origins.forEach((origin, index) => {
    if (lines[index]?.trim() === "") for (const path of shared) origin.conditions.add(path);
  });
}
