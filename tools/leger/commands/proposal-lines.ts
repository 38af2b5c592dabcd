import { formatFindings } from "../../leger-pack/print-findings.ts";
import type { Proposal } from "../api/proposal-shapes.ts";
import type { LostDecision } from "../api/shapes.ts";
import { patchLines, style } from "../output.ts";
import { changeLines } from "./change-lines.ts";
import { planLines } from "./plan-lines.ts";

const REASONS_SHOWN_MAX = 8;

/** A proposal for a person: what is lost before anything else, then why it asks, what changes, and what a device does. */
export function proposalLines({ preview, ...of }: Proposal): string[] {
  const { lost, reasons, findings, changes, files, plan } = preview;
  const shown = reasons.slice(0, REASONS_SHOWN_MAX);
  const rest = reasons.length - shown.length;
  return [
    style("bold", `${of.deployment_name}: ${of.pack} ${of.from_version} -> ${of.schema_version}, ${effect(of.class)}`),
    ...riskLines({ lost, risks: plan?.risks ?? [] }),
    ...(shown.length > 0 ? ["What breaks between the releases:"] : []),
    ...shown.map((reason) => `  ${reason}`),
    ...(rest > 0 ? [style("dim", `  and ${rest} more`)] : []),
    ...(findings.length > 0 ? formatFindings(findings) : []),
    ...(changes.length > 0 ? ["Decisions, migrated:", ...changeLines(changes).map((line) => `  ${line}`)] : []),
    ...files.flatMap(({ unified }) => patchLines(unified)),
    ...(plan ? ["", style("bold", "On a device:"), ...planLines({ ...plan, risks: [] })] : []),
  ];
}

/** What is gone afterwards, data first. */
export const riskLines = ({
  lost,
  risks,
}: {
  lost: readonly LostDecision[];
  risks: readonly { text: string }[];
}): string[] => [
  ...risks.map(({ text }) => `${style(["bold", "red"], "data risk")} ${text}`),
  ...lost.map(({ title, value, reason }) => {
    const was = value === undefined ? "" : ` (${JSON.stringify(value)})`;
    return `${style(["bold", "red"], "lost")} ${title}${was}: ${reason}`;
  }),
];

export const effect = (of: string) => of.replaceAll("_", " ");
