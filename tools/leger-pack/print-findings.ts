import { styleText } from "node:util";
import type { Finding } from "#core/finding.ts";

/**
 * Findings for a person: what, where, the lines with a caret, whose decision, what to do. Errors first, by file and line; then how
 * many there are, and `scope`: in what.
 */
export function printFindings(findings: readonly Finding[], scope = ""): void {
  const ordered = findings.toSorted((a, b) => rank(a) - rank(b));
  for (const finding of ordered) {
    const isError = finding.severity === "error";
    console.log(
      `${styleText(["bold", isError ? "red" : "yellow"], finding.severity)} ${styleText("dim", finding.code)} ${finding.message}`,
    );
    if (finding.place)
      console.log(styleText("cyan", `  --> ${finding.place.file}:${finding.place.line}:${finding.place.column}`));
    printExcerpt(finding);
    if (finding.template)
      console.log(`  written by: ${finding.template.file}:${finding.template.line}:${finding.template.column}`);
    if (finding.decision) console.log(`  decision: ${finding.decision}`);
    console.log(`  ${styleText("green", "do:")} ${finding.action}\n`);
  }
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const counts = `${errors} ${errors === 1 ? "error" : "errors"}, ${warnings} ${warnings === 1 ? "warning" : "warnings"}`;
  console.log(scope === "" ? counts : `${counts} ${scope}`);
}

const rank = ({ severity }: Finding) => (severity === "error" ? 0 : 1);

function printExcerpt({ excerpt, place }: Finding): void {
  const width = String(excerpt?.at(-1)?.number ?? 0).length;
  for (const { number, text } of excerpt ?? []) {
    console.log(`  ${styleText("dim", `${String(number).padStart(width)} |`)} ${text}`);
    if (number !== place?.line) continue;
    const indent = text.slice(0, place.column - 1).replaceAll(/[^\t]/g, " "); // a tab stays a tab, so that the caret stands right
    console.log(`  ${" ".repeat(width)} ${styleText("dim", "|")} ${indent}${styleText(["bold", "red"], "^")}`);
  }
}
