/**
 * A loss-free parser of unit files as Podman's generator reads them, which is not how INI libraries do: a backslash
 * joins lines without a space, comments start only at the start of a line, sections and keys repeat. Every character
 * of the text lies in exactly one node, so `printUnit` gives the file back byte for byte, and every node knows its
 * place. The generator drops a file (and its whole directory) at the first line that it cannot read; this parser marks
 * that line `invalid` and reads on, so that one run names every problem.
 */
export type UnitNode = CommentNode | SectionNode | Assignment | InvalidNode;

/** `start` is the offset of the node in the text, `raw` its characters with line ends; lines count from 1. */
type NodeBase = { readonly line: number; readonly column: number; readonly start: number; readonly raw: string };

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
  /** Where each physical piece of the value begins: a value over three lines has up to three. */
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

export type UnitFile = { readonly filename: string; readonly text: string; readonly nodes: readonly UnitNode[] };

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

const isSkipped = (line: string) => line === "" || line.startsWith("#") || line.startsWith(";");

/** A section header is `[name]`, with nothing but spaces and tabs after the first closing bracket. */
const isSection = (line: string) => {
  const close = line.indexOf("]");
  return line.startsWith("[") && close !== -1 && /^[ \t]*$/.test(line.slice(close + 1));
};

// The generator refuses control characters and a second opening bracket in a section's name.
// oxlint-disable-next-line no-control-regex
const INVALID_SECTION_NAME = /[[\u0000-\u001f\u007f-\u009f]/;

/** One logical line: physical lines joined at their backslashes. */
type LogicalLine = { text: string; raw: string; start: number; pieces: ValuePiece[] };

const emptyLine = (start: number): LogicalLine => ({ text: "", raw: "", start, pieces: [] });

class UnitParser {
  readonly nodes: UnitNode[] = [];
  readonly filename: string;
  section: string | null = null;

  constructor(filename: string) {
    this.filename = filename;
  }

  private base(line: LogicalLine, physicalLine: number): NodeBase {
    const first = line.pieces[0];
    return { line: first?.line ?? physicalLine, column: first?.column ?? 1, start: line.start, raw: line.raw };
  }

  addComment(line: LogicalLine, physicalLine: number): void {
    this.nodes.push({ type: "comment", ...this.base(line, physicalLine) });
  }

  addInvalid(line: LogicalLine, physicalLine: number, reason: InvalidReason): void {
    this.nodes.push({ type: "invalid", reason, ...this.base(line, physicalLine) });
  }

  addLine(line: LogicalLine, physicalLine: number): void {
    if (isSkipped(line.text)) return this.addComment(line, physicalLine);
    if (isSection(line.text)) return this.addSection(line, physicalLine);
    const equals = line.text.indexOf("=");
    if (equals === -1) {
      return this.addInvalid(line, physicalLine, line.text.startsWith("[") ? "unclosed_section" : "no_equals_sign");
    }
    if (equals === 0) return this.addInvalid(line, physicalLine, "empty_key");
    if (this.section === null) return this.addInvalid(line, physicalLine, "key_before_section");
    const key = trimEnd(line.text.slice(0, equals));
    const value = trimStart(line.text.slice(equals + 1));
    const pieces = piecesFrom(line, line.text.length - value.length);
    const { section, filename: file } = this;
    const first = line.pieces[0];
    this.nodes.push({
      type: "assignment",
      line: first?.line ?? physicalLine,
      column: first?.column ?? 1,
      start: line.start,
      raw: line.raw,
      file,
      section,
      key,
      value,
      pieces,
    });
  }

  private addSection(line: LogicalLine, physicalLine: number): void {
    const name = line.text.slice(1, line.text.indexOf("]"));
    if (name === "" || INVALID_SECTION_NAME.test(name)) {
      return this.addInvalid(line, physicalLine, "invalid_section_name");
    }
    this.section = name;
    this.nodes.push({ type: "section", name, ...this.base(line, physicalLine) });
  }
}

/** The pieces of a logical line from `offset` on, with offsets counted from there. */
function piecesFrom(line: LogicalLine, offset: number): ValuePiece[] {
  const [only] = line.pieces;
  if (only !== undefined && line.pieces.length === 1)
    return [{ offset: 0, line: only.line, column: only.column + offset }];
  const pieces: ValuePiece[] = [];
  line.pieces.forEach((piece, index) => {
    const end = line.pieces[index + 1]?.offset ?? Infinity;
    if (end <= offset) return;
    const skipped = Math.max(0, offset - piece.offset);
    pieces.push({ offset: piece.offset + skipped - offset, line: piece.line, column: piece.column + skipped });
  });
  return pieces;
}

/** Splits after each newline; a text that ends in a newline has no empty last line, as in the generator. */
function physicalLines(text: string): string[] {
  const lines: string[] = [];
  let from = 0;
  while (from < text.length) {
    const newline = text.indexOf("\n", from);
    const end = newline === -1 ? text.length : newline + 1;
    lines.push(text.slice(from, end));
    from = end;
  }
  return lines;
}

export function parseUnit(filename: string, text: string): UnitFile {
  const parser = new UnitParser(filename);
  const lines = physicalLines(text);
  let pending = emptyLine(0);
  let offset = 0;
  lines.forEach((raw, index) => {
    const number = index + 1;
    const withoutLead = trimStart(raw);
    let line = trimEnd(withoutLead);
    const column = raw.length - withoutLead.length + 1;
    if (pending.raw === "") pending = emptyLine(offset);
    offset += raw.length;
    pending.raw += raw;
    if (isSkipped(line)) {
      if (pending.text !== "") return;
      parser.addComment(pending, number);
      pending = emptyLine(offset);
      return;
    }
    const isContinued = line.endsWith("\\");
    if (isContinued) line = line.slice(0, -1);
    pending.pieces.push({ offset: pending.text.length, line: number, column });
    pending.text += line;
    // The last line of the file ends there whatever its backslash says.
    if (isContinued && index < lines.length - 1) {
      if (pending.text !== "") return;
      // A backslash alone joins nothing: the generator starts afresh on the next line.
      parser.addComment(pending, number);
    } else {
      parser.addLine(pending, number);
    }
    pending = emptyLine(offset);
  });
  if (pending.raw !== "") parser.addInvalid(pending, lines.length, "lost_continuation");
  return { filename, text, nodes: parser.nodes };
}

export const printUnit = (unit: UnitFile): string => unit.nodes.map((node) => node.raw).join("");

/** Line and column of a character of the value, through its continuations. */
export function placeInValue(assignment: Assignment, offset: number): { line: number; column: number } {
  const piece = assignment.pieces.findLast((candidate) => candidate.offset <= offset);
  if (piece === undefined) return { line: assignment.line, column: assignment.column };
  return { line: piece.line, column: piece.column + offset - piece.offset };
}
