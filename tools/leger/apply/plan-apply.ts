import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import type { BundleFile } from "#quadlet/load-units.ts";
import { planBetween } from "#quadlet/plan/plan-between.ts";
import { type DataRisk, PlanAction } from "#quadlet/plan/plan.ts";
import { unitGraph } from "#quadlet/unit-graph.ts";
import type { Release } from "../release/release-folder.ts";

/** One thing to do on this machine. `units` of an `install` are the services that must be known afterwards. */
export const ApplyStep = z.object({
  action: z.enum([...PlanAction.options, "load_units"]),
  target: z.string(),
  text: z.string(),
  /** systemd does it by itself. */
  is_implied: z.boolean(),
  /** Podman's name of the network that `recreate_network` takes away first. */
  resource: z.string().nullable(),
  /** An earlier run left it to do. */
  is_owed: z.boolean(),
});
export type ApplyStep = z.infer<typeof ApplyStep>;

export type ApplyPlan = { risks: DataRisk[]; steps: ApplyStep[]; runners: string[]; services: string[] };

const RUNS = new Set(["recreate_network", "start", "restart", "reload"]);

/**
 * What to do so that `next` runs where `before` ran: the server's own plan, with the swap and systemd's reload at their place, and after it
 * what an interrupted run still owes. `next` null: everything goes.
 */
export function planApply(of: { before: Release | null; next: Release | null; owed: readonly ApplyStep[] }): ApplyPlan {
  const { before, next, owed } = of;
  const newPodman = next?.manifest.inputs.podman_target ?? before?.manifest.inputs.podman_target;
  const plan = planBetween(before && filesOf(before), next ? filesOf(next) : [], {
    ...(before && { oldPodman: before.manifest.inputs.podman_target }),
    ...(newPodman !== undefined && { newPodman }),
  });
  const graph = next && unitGraph(filesOf(next), next.manifest.inputs.podman_target);
  const services = new Map((graph?.services ?? []).map((service) => [service.name, service]));
  const steps = plan.steps
    .filter(({ action }) => action !== "install")
    .map((step) => ({
      action: step.action,
      target: step.target,
      text: step.text.replace(/^Create the secret/, "Check the secret"), // apply makes none: it only looks
      is_implied: step.is_implied,
      resource: step.action === "recreate_network" ? (services.get(step.target)?.resource_name ?? null) : null,
      is_owed: false,
    }));
  const first = steps.findIndex(({ action }) => RUNS.has(action));
  const at = first === -1 ? steps.length : first;
  const planned = new Set(steps.filter(({ action }) => RUNS.has(action)).map(({ target }) => target));
  const late = owed.filter(({ target }) => services.has(target) && !planned.has(target));
  const swap = before?.folder === next?.folder ? [] : [swapStep(before, next)];
  const load = swap.length > 0 || owed.length > 0 ? [LOAD] : [];
  return {
    risks: plan.risks,
    steps: [...steps.slice(0, at), ...swap, ...load, ...steps.slice(at), ...late],
    runners: [...services.values()].filter(isRunner).map(({ name }) => name),
    services: [...services.values()].filter(({ is_template }) => !is_template).map(({ name }) => name),
  };
}

const isRunner = ({ type, is_template }: { type: string; is_template: boolean }) =>
  !is_template && (type === "container" || type === "pod" || type === "kube");

const LOAD: ApplyStep = {
  action: "load_units",
  target: "systemd",
  text: "Let systemd read the units again.",
  is_implied: false,
  resource: null,
  is_owed: false,
};

function swapStep(before: Release | null, next: Release | null): ApplyStep {
  const old = before && `version ${before.manifest.version}`;
  const text = next
    ? `Install version ${next.manifest.version}${old === null ? "" : ` in place of ${old}`}.`
    : `Take the units of ${old ?? "the deployment"} away.`;
  return { ...LOAD, action: "install", target: "files", text };
}

/**
 * What a run that never finished leaves to do, whatever comes now. After the swap: every start, restart or reload that was not done.
 * Before it: what was stopped, and would have been started again, and what that run owed itself.
 */
export function owedSteps(journal: {
  isSwapped: boolean;
  steps: readonly (ApplyStep & { isDone: boolean })[];
}): ApplyStep[] {
  const open = journal.steps.filter(({ action, isDone }) => RUNS.has(action) && !isDone);
  if (journal.isSwapped) return open.map(owe);
  const stopped = journal.steps.filter(({ action }) => action === "stop");
  return [
    ...stopped.map((step) => owe({ ...step, action: "start", text: `Start ${step.target}.` })),
    ...open.filter(isOwed).map(owe),
  ];
}

const isOwed = ({ is_owed }: ApplyStep) => is_owed;

/** What was implied by a step that is long done must now be done by hand. */
const owe = (step: ApplyStep): ApplyStep => ({
  action: step.action,
  target: step.target,
  resource: step.resource,
  is_implied: false,
  is_owed: true,
  text: step.is_owed ? step.text : `${step.text.replace(/[.:]( .*)?$/, "")}: an earlier run did not come to it.`,
});

export function filesOf({ folder, manifest }: Release): BundleFile[] {
  const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
  return manifest.files.map(({ filename }) => ({
    filename,
    text: decoder.decode(readFileSync(path.join(folder, filename))),
  }));
}
