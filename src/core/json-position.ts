import { pointerToken } from "#core/json.ts";

/** Line and column, both from 1, of what a JSON Pointer names in a JSON text: of a member its key, of an entry its value. */
export type JsonPosition = { line: number; column: number };

/**
 * Where everything stands in a JSON text: pointer -> position. The text must parse; this reads it once more, because
 * `JSON.parse` forgets places.
 */
export function jsonPositions(text: string): Map<string, JsonPosition> {
  const found = new Map<string, JsonPosition>();
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  let line = 0;
  const position = (offset: number): JsonPosition => {
    while ((lineStarts[line + 1] ?? Infinity) <= offset) line++;
    return { line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
  };
  const open: { pointer: string; index: number | null }[] = [];
  let key: string | null = null;
  const token = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [part] = match;
    const group = open.at(-1);
    const isKey = group !== undefined && group.index === null && key === null && part.startsWith('"');
    if (isKey) {
      key = JSON.parse(part) as string;
      found.set(`${group.pointer}/${pointerToken(key)}`, position(match.index));
      continue;
    }
    if (part === ":") continue;
    if (part === ",") {
      if (group && group.index !== null) group.index++;
      continue;
    }
    if (part === "}" || part === "]") {
      open.pop();
      continue;
    }
    const pointer = group === undefined ? "" : `${group.pointer}/${group.index ?? pointerToken(key ?? "")}`;
    key = null;
    if (group === undefined || group.index !== null) found.set(pointer, position(match.index));
    if (part === "{") open.push({ pointer, index: null });
    if (part === "[") open.push({ pointer, index: 0 });
  }
  return found;
}

/** The nearest place that the text has for a pointer: itself, or the closest thing above it. */
export function nearestPosition(positions: ReadonlyMap<string, JsonPosition>, pointer: string): JsonPosition {
  for (let at = pointer; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const found = positions.get(at);
    if (found) return found;
  }
  return { line: 1, column: 1 };
}

/** Where `JSON.parse` stopped, from its message; the start of the file where that names no place. */
export function parseErrorPosition(message: string, text: string): JsonPosition {
  const offset = /position (\d+)/.exec(message)?.[1];
  if (offset === undefined) return /end of JSON/i.test(message) ? endOf(text) : { line: 1, column: 1 };
  return endOf(text.slice(0, Number(offset)));
}

const endOf = (text: string): JsonPosition => ({
  line: text.split("\n").length,
  column: text.length - text.lastIndexOf("\n"),
});
