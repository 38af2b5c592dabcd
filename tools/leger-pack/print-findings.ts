import { styleText } from "node:util";
import type { Finding } from "#core/finding.ts";

/** Findings for a person, on stdout; then how many there are, and `scope`: in what. */
export function printFindings(findings: readonly Finding[], scope = ""): void {
  for (const line of formatFindings(findings, { scope })) console.log(line);
}

type Paint = (format: Parameters<typeof styleText>[0], text: string) => string;

/** What, where, the lines with a caret, whose decision, what to do. Errors first, by file and line. */
export function formatFindings(
  findings: readonly Finding[],
  { scope = "", stream = process.stdout }: { scope?: string; stream?: NodeJS.WriteStream } = {},
): string[] {
  const paint: Paint = (format, text) => styleText(format, text, { stream });
  const ordered = findings.toSorted((a, b) => rank(a) - rank(b));
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const counts = `${errors} ${errors === 1 ? "error" : "errors"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  return [...ordered.flatMap((finding) => findingLines(finding, paint)), scope === "" ? counts : `${counts} ${scope}`];
}

function findingLines(finding: Finding, paint: Paint): string[] {
  const { severity, code, message, action, place, template, decision } = finding;
  return [
    `${paint(["bold", severity === "error" ? "red" : "yellow"], severity)} ${paint("dim", code)} ${message}`,
    ...(place ? [paint("cyan", `  --> ${place.file}:${place.line}:${place.column}`)] : []),
    ...excerptLines(finding, paint),
    ...(template ? [`  written by: ${template.file}:${template.line}:${template.column}`] : []),
    ...(decision === undefined ? [] : [`  decision: ${decision}`]),
    `  ${paint("green", "do:")} ${action}`,
    "",
  ];
}

const rank = ({ severity }: Finding) => (severity === "error" ? 0 : 1);

function excerptLines({ excerpt, place }: Finding, paint: Paint): string[] {
  const width = String(excerpt?.at(-1)?.number ?? 0).length;
  return (excerpt ?? []).flatMap(({ number, text }) => {
    const line = `  ${paint("dim", `${String(number).padStart(width)} |`)} ${text}`;
    if (number !== place?.line) return [line];
    const indent = text.slice(0, place.column - 1).replaceAll(/[^\t]/g, " "); // a tab stays a tab, so that the caret stands right
    return [line, `  ${" ".repeat(width)} ${paint("dim", "|")} ${indent}${paint(["bold", "red"], "^")}`];
  });
}
