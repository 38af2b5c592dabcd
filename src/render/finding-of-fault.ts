import type { Finding } from "#core/finding.ts";
import type { TemplateFault } from "#render/fault.ts";

/** The finding that tells a person about a fault: where it is, with the lines around it, and what to do. */
export function findingOfFault(fault: TemplateFault, sources: Readonly<Record<string, string>>): Finding {
  const { code, message, action, place, decision } = fault;
  const finding: Finding = { code, severity: "error", message, action };
  if (decision !== undefined) finding.decision = decision;
  if (place === undefined) return finding;
  finding.place = { file: place.template, line: place.line, column: place.column };
  const source = Object.hasOwn(sources, place.template) ? sources[place.template] : undefined;
  if (source !== undefined) finding.excerpt = excerptAround(source, place.line);
  return finding;
}

const LINE_CHARS_MAX = 200;

/** The line with its neighbours, long lines cut. */
export function excerptAround(source: string, line: number): { number: number; text: string }[] {
  const lines = source.split("\n");
  const excerpt: { number: number; text: string }[] = [];
  for (let number = Math.max(1, line - 1); number <= Math.min(lines.length, line + 1); number++) {
    const text = lines[number - 1] ?? "";
    excerpt.push({ number, text: text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)}...` : text });
  }
  return excerpt;
}

/** Findings without repetitions, in the order of files and lines. */
export function sortedFindings(findings: readonly Finding[]): Finding[] {
  const byKey = new Map<string, Finding>();
  for (const finding of findings) {
    const { file, line, column } = finding.place ?? { file: "", line: 0, column: 0 };
    const key = [file, line, column, finding.code, finding.message].join("\0");
    if (!byKey.has(key)) byKey.set(key, finding);
  }
  return [...byKey.values()].sort((a, b) => compareFindings(a, b));
}

function compareFindings(a: Finding, b: Finding): number {
  const [x, y] = [a.place, b.place];
  if (x === undefined || y === undefined) return (x === undefined ? 0 : 1) - (y === undefined ? 0 : 1);
  if (x.file !== y.file) return x.file < y.file ? -1 : 1;
  return x.line - y.line || x.column - y.column;
}
