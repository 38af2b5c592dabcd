import { rmSync } from "node:fs";
import type { Output } from "../output.ts";
import { type Release, type ReleaseFolder } from "../release/release-folder.ts";
import { type Journal, removeJournal, writeJournal } from "./journal.ts";
import type { ApplyPlan, ApplyStep } from "./plan-apply.ts";
import type { Report, ReportItem, ReportState } from "./reporter.ts";
import { type StepResult, runStep } from "./run-step.ts";
import { systemctl } from "./system.ts";

export type Applied = { state: ReportState; steps: ReportItem[]; units: ReportItem[]; error: string | null };

/** Without these nothing after them can be right. Any other failure is kept, and the rest is done. */
const STOPS_THE_RUN = new Set<ApplyStep["action"]>(["pull", "install", "load_units"]);

/**
 * Does a plan's steps in their order, writes the journal after each and reports each. Ends with what systemd says of every
 * service. Interrupted anywhere, the next run knows from the link and the journal what is left.
 */
export async function applyRelease(of: {
  root: string;
  link: string;
  folder: ReleaseFolder;
  next: Release | null;
  plan: ApplyPlan;
  done: ReportItem[];
  out: Output;
  report: (report: Pick<Report, "state" | "steps" | "units" | "error">) => Promise<void>;
}): Promise<Applied> {
  const { plan, next, out } = of;
  const journal: Journal = {
    format: 1,
    next: next?.folder ?? null,
    steps: plan.steps.map((step) => ({ ...step, isDone: false })),
  };
  const items = [...of.done];
  const failures: string[] = [];
  let state: ReportState = "fetched";
  if (journal.steps.length > 0) writeJournal(of.root, journal);
  for (const [index, step] of journal.steps.entries()) {
    const { state: result, detail } = step.action === "install" ? swap(of) : await runStep(step, plan.services);
    // What systemd does by itself it does only where the other start succeeded.
    step.isDone = result === "ok" || (result === "skipped" && failures.length === 0);
    writeJournal(of.root, journal);
    items.push(item(`${step.action} ${step.target}`, { state: result, detail }));
    out.progress(
      `${index + 1}/${journal.steps.length} ${result === "ok" ? step.text : `${step.text} ${result}: ${detail ?? ""}`}`,
    );
    if (result === "failed") failures.push(`${step.action} ${step.target}: ${detail ?? "failed"}`);
    else if (next) state = reached(state, step);
    const isOver = result === "failed" && STOPS_THE_RUN.has(step.action);
    if (!isOver)
      await of.report({
        state: failures.length > 0 ? "failed" : state,
        steps: items,
        units: [],
        error: errorOf(failures),
      });
    if (isOver) return end({ ...of, items, units: [], failures });
  }
  if (next && journal.steps.length > 0 && failures.length === 0)
    await of.report({ state: "started", steps: items, units: [], error: null });
  const units = next ? await unitStates(plan.runners) : [];
  for (const { name, detail } of units.filter(({ state: seen }) => seen === "failed")) {
    failures.push(`${name}: ${detail ?? "is not active"}`);
    oweStart(journal, name.replace(/\.service$/, ""));
  }
  if (failures.length > 0) writeJournal(of.root, journal);
  return end({ ...of, items, units, failures });
}

/** What started and is not active any more is started again by the next run. */
function oweStart({ steps }: Journal, target: string): void {
  if (steps.some((step) => step.target === target && !step.isDone)) return;
  const text = `Start ${target}.`;
  steps.push({ action: "start", target, text, is_implied: false, resource: null, is_owed: false, isDone: false });
}

async function end(of: {
  root: string;
  next: Release | null;
  items: ReportItem[];
  units: ReportItem[];
  failures: string[];
  report: (report: Pick<Report, "state" | "steps" | "units" | "error">) => Promise<void>;
}): Promise<Applied> {
  const error = errorOf(of.failures);
  if (error === null) removeJournal(of.root);
  const isStarting = of.units.some(({ state }) => state === "running");
  const state = endState({ error, isRemoval: of.next === null, isStarting });
  const applied = { state, steps: of.items, units: of.units, error };
  await of.report(applied);
  return applied;
}

function endState(of: { error: string | null; isRemoval: boolean; isStarting: boolean }): ReportState {
  if (of.error !== null) return "failed";
  if (of.isRemoval) return "removed";
  return of.isStarting ? "started" : "healthy";
}

function swap({ folder, link, next }: { folder: ReleaseFolder; link: string; next: Release | null }): StepResult {
  if (next) folder.point(link, next);
  else rmSync(link, { force: true });
  return { state: "ok", detail: null };
}

function reached(before: ReportState, { action }: ApplyStep): ReportState {
  if (action === "install") return "written";
  return action === "load_units" ? "generated" : before;
}

/** `active` and `reloading` run; whatever starts may still become either. */
async function unitStates(runners: readonly string[]): Promise<ReportItem[]> {
  if (runners.length === 0) return [];
  const ran = await systemctl("is-active", ...runners.map((name) => `${name}.service`));
  const states = ran.stdout.split("\n");
  return runners.map((name, index) => {
    const state = states[index]?.trim() || "unknown";
    const isUp = state === "active" || state === "reloading";
    return item(`${name}.service`, {
      state: isUp ? "ok" : state === "activating" ? "running" : "failed",
      detail: state,
    });
  });
}

export const item = (
  name: string,
  { state, detail }: { state: ReportItem["state"]; detail: string | null },
): ReportItem => ({
  name: name.slice(0, 255),
  state,
  at: new Date().toISOString(),
  ...(detail !== null && detail !== "" && { detail: detail.slice(0, 500) }),
});

const errorOf = (failures: readonly string[]) => (failures.length === 0 ? null : failures.join("; ").slice(0, 2000));
