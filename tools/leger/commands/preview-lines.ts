import { formatFindings } from "../../leger-pack/print-findings.ts";
import type { Preview } from "../api/shapes.ts";
import { patchLines, style } from "../output.ts";
import { riskLines } from "./proposal-lines.ts";
import { planLines } from "./plan-lines.ts";

/** A preview for a person: what changes, what is wrong, the files' diff, what a device does. */
export function previewLines(preview: Preview): string[] {
  const { losses, diff, plan, files } = preview;
  const missing = preview.secrets.filter(({ is_stored }) => !is_stored).map(({ name }) => name);
  const against = preview.against === null ? "" : ` (against version ${preview.against}, which devices run)`;
  return [
    style("bold", preview.unchanged ? "A save would change nothing." : `${preview.changes_summary}${against}`),
    ...(losses ? riskLines({ lost: losses.decisions, risks: losses.data_risks }) : []),
    ...preview.pruned.map((pointer) => style("dim", `left out, because it does not apply: ${pointer}`)),
    ...(losses?.versions_undone ?? []).map(
      ({ version, changes_summary }) => `undoes version ${version}: ${changes_summary ?? "-"}`,
    ),
    ...findingLines([...preview.warnings, ...preview.render.findings]),
    ...(diff ?? []).flatMap(({ unified }) => patchLines(unified)),
    ...(diff === null && files ? files.map(({ filename, size }) => `  ${filename} (${size} bytes)`) : []),
    ...(plan ? ["", style("bold", "On a device:"), ...planLines(losses ? { ...plan, risks: [] } : plan)] : []),
    ...(missing.length > 0 ? [`${style("yellow", "secrets missing")} ${missing.join(", ")}`] : []),
  ];
}

const findingLines = (findings: Preview["warnings"]) => (findings.length > 0 ? formatFindings(findings) : []);
