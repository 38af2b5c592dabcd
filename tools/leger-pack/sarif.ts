import type { Finding } from "#core/finding.ts";

/** Findings as SARIF 2.1.0, which code hosts show beside the lines of a pull request. */
export function toSarif(findings: readonly Finding[]) {
  const rules = [...new Set(findings.map(({ code }) => code))].toSorted();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "leger-pack",
            informationUri: "https://docs.leger.run",
            rules: rules.map((id) => ({ id, helpUri: `https://docs.leger.run/checks/${id}` })),
          },
        },
        results: findings.map(({ code, severity, message, action, place }) => ({
          ruleId: code,
          level: severity,
          message: { text: `${message} ${action}` },
          ...(place && {
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: place.file },
                  region: { startLine: place.line, startColumn: place.column },
                },
              },
            ],
          }),
        })),
      },
    ],
  };
}
