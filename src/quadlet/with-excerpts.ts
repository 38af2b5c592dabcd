import type { Finding } from "#core/finding.ts";

/** The line of the finding with its neighbours, so that it can be read without opening the file. */
function excerptOf(lines: readonly string[], line: number): NonNullable<Finding["excerpt"]> {
  const numbers = [line - 1, line, line + 1].filter((number) => number >= 1 && number <= lines.length);
  return numbers.map((number) => ({ number, text: (lines[number - 1] ?? "").replace(/\r$/, "") }));
}

const lineKey = (file: string, line: number) => `${line} ${file}`;

/**
 * Findings with the lines around them. A line that holds a secret appears in no excerpt, not even as the neighbour of another
 * finding's line, and a finding that has an excerpt keeps it.
 */
export function withExcerpts(findings: readonly Finding[], texts: ReadonlyMap<string, string>): Finding[] {
  const secrets = findings.filter((finding) => finding.code === "literal_secret");
  const hidden = new Set(secrets.map(({ place }) => (place ? lineKey(place.file, place.line) : "")));
  const linesOf = new Map<string, readonly string[]>();
  return findings.map((finding) => {
    const { place } = finding;
    if (place === undefined || finding.excerpt !== undefined) return finding;
    const lines = linesOf.get(place.file) ?? (texts.get(place.file) ?? "").split("\n");
    linesOf.set(place.file, lines);
    const excerpt = excerptOf(lines, place.line).map((line) =>
      hidden.has(lineKey(place.file, line.number)) ? { ...line, text: "[a line with a secret]" } : line,
    );
    return { ...finding, excerpt };
  });
}
