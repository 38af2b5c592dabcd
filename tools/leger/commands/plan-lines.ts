import type { DataRisk } from "#quadlet/plan/plan.ts";
import { style } from "../output.ts";

/** A plan for a person: risks for data before everything else, then the steps in their order. */
export function planLines(plan: {
  risks: readonly DataRisk[];
  steps: readonly { text: string; is_implied: boolean }[];
  unchanged: readonly string[];
}): string[] {
  const risks = plan.risks.map(({ text }) => `${style(["bold", "red"], "data risk")} ${text}`);
  const steps = plan.steps.map(
    ({ text, is_implied }, index) => `${String(index + 1).padStart(3)}. ${is_implied ? style("dim", text) : text}`,
  );
  return [
    ...risks,
    ...(steps.length > 0 ? steps : ["Nothing happens on a device."]),
    ...(plan.unchanged.length > 0 ? [style("dim", `     Left alone: ${plan.unchanged.join(", ")}`)] : []),
  ];
}
