import type { Finding } from "#core/finding.ts";
import { keyInfo } from "#quadlet/key-table.ts";
import { parseUnit, type UnitFile, type UnitNode } from "#quadlet/parse-unit.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";

/** What a template printed into an output: offsets into its text, where it was printed, and the decision (JSON Pointer) that it is. */
export type PrintedSpan = {
  readonly start: number;
  readonly end: number;
  readonly place?: { readonly template: string; readonly line: number; readonly column: number };
  readonly decision?: string | undefined;
};

const CODE = "unit_unsafe_value";
const PLAIN = /^[A-Za-z0-9._:/@,+=-]*$/;
const PLAIN_WITH_SPACES = /^[A-Za-z0-9._:/@,+=-]+(?: +[A-Za-z0-9._:/@,+=-]+)*$/;

/** Spaces are harmless where nothing splits at them: in plain keys, descriptions and comments. */
function mayHoldSpaces(node: UnitNode | undefined): boolean {
  if (node === undefined || node.type === "comment") return true;
  if (node.type !== "assignment") return false;
  if (node.section === "Unit") return node.key === "Description";
  return keyInfo(node.section, node.key)?.kind === "string";
}

function placeAt({ filename, text }: UnitFile, offset: number) {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return { file: filename, line, column: offset - before.lastIndexOf("\n") };
}

/**
 * Values that a template printed bare into a unit, and that could say more than a value: quotes, line ends, a backslash, `%`, `$`, or a
 * space where the key splits at spaces. They need a quoting filter. Outputs that are no units are not looked at. The value is not
 * repeated in the finding.
 */
export function checkPrinted(filename: string, text: string, spans: readonly PrintedSpan[]): Finding[] {
  if (unitTypeOf(filename) === null && !filename.endsWith(".conf")) return [];
  const unit = parseUnit(filename, text);
  return spans.flatMap(({ start, end, place, decision }): Finding[] => {
    const value = text.slice(start, end);
    if (PLAIN.test(value)) return [];
    const node = unit.nodes.find((one) => one.start <= start && start < one.end);
    if (PLAIN_WITH_SPACES.test(value) && mayHoldSpaces(node)) return [];
    const where = node?.type === "assignment" ? `${node.key}=` : "the unit";
    const message = `A printed value has characters that mean something in ${where}: it could add words, keys or commands.`;
    const action = "Print it through a quoting filter, or restrict the decision by a pattern in the schema.";
    const finding: Finding = { code: CODE, severity: "error", message, action, place: placeAt(unit, start) };
    if (place !== undefined) finding.template = { file: place.template, line: place.line, column: place.column };
    if (decision !== undefined) finding.decision = decision;
    return [finding];
  });
}
