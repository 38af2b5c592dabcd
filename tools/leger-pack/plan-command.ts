import { styleText } from "node:util";
import { Command } from "commander";
import { planBetween } from "#quadlet/plan/plan-between.ts";
import type { Plan } from "#quadlet/plan/plan.ts";
import { podmanVersion } from "./podman-version.ts";
import { readBundle } from "./read-input.ts";

export const planCommand = (exit: (code: number) => void) =>
  new Command("plan")
    .description("Say what installing one bundle over another does: data risks first, then each step with its reason.")
    .argument("<old>", "folder of what is installed, or - for nothing")
    .argument("<new>", "folder of what shall be")
    .option("--podman <version>", "the Podman that runs it", podmanVersion, "5.4")
    .option("--json", "the plan as JSON")
    .action((old: string, next: string, options: { podman: string; json?: true }) => {
      const plan = planBetween(old === "-" ? null : readBundle([old]), readBundle([next]), {
        newPodman: options.podman,
      });
      if (options.json) console.log(JSON.stringify(plan, null, 2));
      else printPlan(plan);
      exit(plan.risks.length > 0 ? 1 : 0);
    });

function printPlan({ risks, steps, unchanged }: Plan): void {
  for (const { text } of risks) console.log(`${styleText(["bold", "red"], "data risk")} ${text}`);
  if (risks.length > 0) console.log();
  steps.forEach(({ text, is_implied }, index) =>
    console.log(`${String(index + 1).padStart(3)}. ${is_implied ? styleText("dim", text) : text}`),
  );
  if (steps.length === 0) console.log("Nothing happens.");
  else if (unchanged.length > 0) console.log(styleText("dim", `\nLeft alone: ${unchanged.join(", ")}`));
}
