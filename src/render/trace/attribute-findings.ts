import type { Finding } from "#core/finding.ts";
import type { Provenance } from "#render/trace/provenance.ts";

/**
 * Findings about the lines of a render, with what made those lines: the template's place, and the decision whose value stands
 * there (or else the one that put the line there). Findings about other files stay as they are.
 */
export function attributeFindings(findings: readonly Finding[], provenance: Provenance): Finding[] {
  return findings.map((finding) => {
    if (!finding.place) return finding;
    const line = provenance.linesOf(finding.place.file)[finding.place.line - 1];
    if (!line) return finding;
    const [place] = line.places;
    const decision = finding.decision ?? line.values[0] ?? line.conditions[0];
    return {
      ...finding,
      ...(place && !finding.template && { template: { file: place.template, line: place.line, column: place.column } }),
      ...(decision !== undefined && { decision }),
    };
  });
}
