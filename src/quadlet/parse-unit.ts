/**
 * A loss-free parser of unit files as Podman's generator reads them, which is not how INI libraries do: a backslash
 * joins lines without a space, comments start only at the start of a line, sections and keys repeat. Every character
 * of the text lies in exactly one node, so `printUnit` gives the file back byte for byte, and every node knows its
 * place. The generator drops a file (and its whole directory) at the first line that it cannot read; this parser marks
 * that line `invalid` and reads on, so that one run names every problem.
 */
export type UnitNode = CommentNode | SectionNode | Assignment | InvalidNode;

/** `start` and `end` are offsets into the text, line ends included; lines and columns count from 1. */
type NodeBase = { readonly line: number; readonly column: number; readonly start: number; readonly end: number };

/** A blank line, a comment, or a lone backslash: what the generator skips. */
export type CommentNode = NodeBase & { readonly type: "comment" };

export type SectionNode = NodeBase & { readonly type: "section"; readonly name: string };

/** `Key=Value`, continuations joined and both sides trimmed, otherwise as written (quotes and escapes are kept). */
export type Assignment = NodeBase & {
  readonly type: "assignment";
  readonly file: string;
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** Where the value begins: in line `line`, unless a continuation comes before its first character. */
  readonly valueColumn: number;
  /** Where each physical piece of a value over several lines begins; empty for a value on one line. */
  readonly pieces: readonly ValuePiece[];
};

export type ValuePiece = { readonly offset: number; readonly line: number; readonly column: number };

export type InvalidReason =
  | "no_equals_sign"
  | "unclosed_section"
  | "invalid_section_name"
  | "key_before_section"
  | "empty_key"
  /** A continuation that only comments or blank lines follow until the end: the generator forgets the line. */
  | "lost_continuation";
export type InvalidNode = NodeBase & { readonly type: "invalid"; readonly reason: InvalidReason };

export type UnitFile = {
  readonly filename: string;
  readonly text: string;
  readonly nodes: readonly UnitNode[];
  /** Those of `nodes` that the generator cannot read. */
  readonly invalid: readonly InvalidNode[];
};

/** What Go's unicode.IsSpace takes for white space: unlike JavaScript's trim, with U+0085 and without U+FEFF (a BOM). */
const SPACE = "\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING_SPACE = new RegExp(`^[${SPACE}]+`, "u");
const SPACE_CHARACTER = new RegExp(`[${SPACE}]`, "u");

/** Most lines begin and end in a printable ASCII character: no need to look further. */
const isPlain = (code: number) => code > 0x20 && code < 0x7f;

export function trimStart(text: string): string {
  if (isPlain(text.charCodeAt(0))) return text;
  return text.replace(LEADING_SPACE, "");
}

/** Walks backwards instead of matching `\s+$`, which is quadratic on a long inner run of spaces. */
export function trimEnd(text: string): string {
  let end = text.length;
  if (isPlain(text.charCodeAt(end - 1))) return text;
  while (end > 0 && SPACE_CHARACTER.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** Around the equals sign the generator looks at single bytes, so that only ASCII counts as white space there. */
const isAsciiSpace = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d);

const isSkipped = (line: string) => line === "" || line.startsWith("#") || line.startsWith(";");

/** A section header is `[name]`, with nothing but spaces and tabs after the first closing bracket. */
const isSection = (line: string) => {
  if (!line.startsWith("[")) return false;
  const close = line.indexOf("]");
  return close !== -1 && (close === line.length - 1 || /^[ \t]*$/.test(line.slice(close + 1)));
};

// The generator refuses control characters and a second opening bracket in a section's name.
// oxlint-disable-next-line no-control-regex
const INVALID_SECTION_NAME = /[[\u0000-\u001f\u007f-\u009f]/;

/** One logical line: physical lines joined at their backslashes, from `start` to `end` in the text. */
type LogicalLine = {
  text: string;
  start: number;
  end: number;
  /** Place of its first character. */
  line: number;
  column: number;
  readonly pieces: readonly ValuePiece[];
};
type WaitingLine = LogicalLine & { readonly pieces: ValuePiece[] };

const NO_PIECES: readonly ValuePiece[] = [];

class UnitParser {
  readonly nodes: UnitNode[] = [];
  readonly invalid: InvalidNode[] = [];
  readonly filename: string;
  section: string | null = null;

  constructor(filename: string) {
    this.filename = filename;
  }

  addComment({ line, column, start, end }: LogicalLine): void {
    this.nodes.push({ type: "comment", line, column, start, end });
  }

  addInvalid({ line, column, start, end }: LogicalLine, reason: InvalidReason): void {
    const node: InvalidNode = { type: "invalid", line, column, start, end, reason };
    this.nodes.push(node);
    this.invalid.push(node);
  }

  addLine(logical: LogicalLine): void {
    const { text, line, column, start, end } = logical;
    if (isSkipped(text)) return this.addComment(logical);
    if (isSection(text)) return this.addSection(logical);
    const equals = text.indexOf("=");
    if (equals === -1) return this.addInvalid(logical, text.startsWith("[") ? "unclosed_section" : "no_equals_sign");
    if (equals === 0) return this.addInvalid(logical, "empty_key");
    if (this.section === null) return this.addInvalid(logical, "key_before_section");
    let keyEnd = equals;
    while (keyEnd > 0 && isAsciiSpace(text.charCodeAt(keyEnd - 1))) keyEnd -= 1;
    let offset = equals + 1;
    while (isAsciiSpace(text.charCodeAt(offset))) offset += 1;
    const key = text.slice(0, keyEnd);
    const value = text.slice(offset);
    const pieces = logical.pieces.length > 1 ? piecesFrom(logical, offset) : NO_PIECES;
    const { section, filename: file } = this;
    const valueColumn = column + offset;
    this.nodes.push({ type: "assignment", line, column, start, end, file, section, key, value, valueColumn, pieces });
  }

  private addSection(logical: LogicalLine): void {
    const name = logical.text.slice(1, logical.text.indexOf("]"));
    if (name === "" || INVALID_SECTION_NAME.test(name)) return this.addInvalid(logical, "invalid_section_name");
    this.section = name;
    const { line, column, start, end } = logical;
    this.nodes.push({ type: "section", line, column, start, end, name });
  }
}

/** The pieces of a logical line from `offset` on, with offsets counted from there. */
function piecesFrom(logical: LogicalLine, offset: number): ValuePiece[] {
  const pieces: ValuePiece[] = [];
  logical.pieces.forEach((piece, index) => {
    const end = logical.pieces[index + 1]?.offset ?? Infinity;
    if (end <= offset) return;
    const skipped = Math.max(0, offset - piece.offset);
    pieces.push({ offset: piece.offset + skipped - offset, line: piece.line, column: piece.column + skipped });
  });
  return pieces;
}

/** Adds one more physical line to the logical line that waits for it, or begins one with it. */
function joined(waiting: WaitingLine | null, added: LogicalLine): WaitingLine {
  const logical = waiting ?? { ...added, text: "", pieces: [] };
  logical.pieces.push({ offset: logical.text.length, line: added.line, column: added.column });
  logical.text += added.text;
  logical.end = added.end;
  return logical;
}

export function parseUnit(filename: string, text: string): UnitFile {
  const parser = new UnitParser(filename);
  let waiting: WaitingLine | null = null;
  let line = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline + 1;
    line += 1;
    const whole = text.slice(start, newline === -1 ? end : newline);
    const withoutLead = trimStart(whole);
    const trimmed = trimEnd(withoutLead);
    const column = whole.length - withoutLead.length + 1;
    const physical: LogicalLine = { text: trimmed, start, end, line, column, pieces: NO_PIECES };
    start = end;
    if (isSkipped(trimmed)) {
      // Comments and blank lines inside a continuation belong to it, and say nothing.
      if (waiting === null) parser.addComment(physical);
      else waiting.end = end;
      continue;
    }
    const isContinued = trimmed.endsWith("\\");
    if (!isContinued && waiting === null) {
      parser.addLine(physical);
      continue;
    }
    // The last line of the file ends there whatever its backslash says.
    const isWaiting = isContinued && end < text.length;
    if (isContinued) physical.text = trimmed.slice(0, -1);
    const logical: WaitingLine = joined(waiting, physical);
    waiting = null;
    // A backslash alone joins nothing: the generator starts afresh on the next line.
    if (isWaiting && logical.text === "") parser.addComment(logical);
    else if (isWaiting) waiting = logical;
    else parser.addLine(logical);
  }
  if (waiting !== null) parser.addInvalid(waiting, "lost_continuation");
  return { filename, text, nodes: parser.nodes, invalid: parser.invalid };
}

/** The characters of a node, line ends included. */
export const rawOf = (unit: UnitFile, node: UnitNode): string => unit.text.slice(node.start, node.end);

export const printUnit = (unit: UnitFile): string => unit.nodes.map((node) => rawOf(unit, node)).join("");

/** Line and column of a character of the value, through its continuations. */
export function placeInValue(assignment: Assignment, offset: number): { line: number; column: number } {
  const piece = assignment.pieces.findLast((candidate) => candidate.offset <= offset);
  if (piece === undefined) return { line: assignment.line, column: assignment.valueColumn + offset };
  return { line: piece.line, column: piece.column + offset - piece.offset };
}
