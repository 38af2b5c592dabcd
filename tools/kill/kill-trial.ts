import { setTimeout as sleep } from "node:timers/promises";
import type { BindingCall } from "./binding-call.ts";
import type { CallDecision } from "./call-gate.ts";
import type { DeploymentState } from "./deployment-state.ts";
import { judgeAbsent, judgeRendered, type ReferenceRender, referenceOf } from "./judge-deployment.ts";
import type { KillWorld } from "./kill-world.ts";

/** Law 2: a version ends within 15 minutes of the last fault. */
const MINUTES_MAX = 15;
const PATIENCE_MS = 30_000;

/**
 * What is going on when the runtime dies: a save's request, a render that its queue message began, or, where every send to
 * the queue fails, a render that the sweep began.
 */
export const SCENARIOS = ["save", "queue", "sweep"] as const;
export type Scenario = (typeof SCENARIOS)[number];
const ENTRY_OF = { save: "fetch", queue: "queue", sweep: "scheduled" } as const satisfies Record<
  Scenario,
  BindingCall["entry"]
>;

/** One moment to die at: before or after the k-th binding call. */
export type KillPoint = { scenario: Scenario; k: number; op: string; side: BindingCall["side"] };
export type TrialOutcome = { attempts: number; minutes: number; isRendered: boolean; violations: string[] };

const isEnded = ({ jobs }: DeploymentState) => jobs.some(({ state }) => state === "rendered" || state === "failed");
const isSend = ({ op }: BindingCall) => op.startsWith("RENDER_QUEUE.");

/** Lets one deployment through undisturbed: every point of the scenario, and what its render comes to. */
export async function observe(
  world: KillWorld,
  scenario: Scenario,
): Promise<{ points: KillPoint[]; reference: ReferenceRender }> {
  const deployment = `${scenario}-undisturbed`;
  const points: KillPoint[] = [];
  // What a sweep does once only (the fan-out of a release that was just admitted) would be missing from all later ones.
  if (scenario === "sweep") for (let minute = 1; minute <= 3; minute++) await world.playCron(minute);
  world.gate.decide((call) => {
    const decision = decideSend(scenario, call);
    // a call that is made to fail has no end to be killed at
    if (call.entry === ENTRY_OF[scenario] && decision !== "fail")
      points.push({ scenario, k: call.seq, op: withoutIds(call.op), side: call.side });
    return decision;
  });
  await world.save(deployment);
  if (scenario === "sweep") await world.playCron(1);
  const state = await untilState(world, deployment, isEnded);
  // KV is written after the rows, so the last calls may still be on their way when the job has ended.
  await untilState(world, deployment, ({ cachedManifests }) => cachedManifests === 1);
  await untilEven(points);
  world.gate.decide(null);
  const reference = referenceOf(state);
  const violations = judgeRendered(state, { left: state, reference });
  if (violations.length > 0) throw new Error(`an undisturbed ${scenario} is already wrong: ${violations.join("; ")}`);
  const order = (point: KillPoint) => point.k * 2 + Number(point.side === "after");
  return { points: points.toSorted((a, b) => order(a) - order(b)), reference };
}

/** Kills at one point, starts again, plays nothing but cron, and judges what became of it. */
export async function killAt(world: KillWorld, point: KillPoint, reference: ReferenceRender): Promise<TrialOutcome> {
  const deployment = `${point.scenario}-${point.k}-${point.side}`;
  const died = dieAt(world, point);
  const began = world.save(deployment);
  // Whatever request is under way ends with the runtime; the queue is so quick that this may be the save's own.
  const request = point.scenario === "sweep" ? began.then(() => world.playCron(1)) : began;
  await Promise.all([died, request.catch(() => null)]);
  await world.restart();

  const left = await world.state(deployment);
  if (left.versions.length === 0) return finishRefused(world, { deployment, left, reference });
  const minutes = await playUntilEnded(world, deployment);
  const state = await world.state(deployment);
  const violations = judgeRendered(state, { left, reference });
  if (point.scenario === "save") violations.push(...(await repeatSave(world, deployment, state)));
  return outcomeOf(state, { minutes, violations });
}

/** The save died before its commit: nothing of it may exist, and its repeat makes the version that ends rendered. */
async function finishRefused(
  world: KillWorld,
  { deployment, left, reference }: { deployment: string; left: DeploymentState; reference: ReferenceRender },
): Promise<TrialOutcome> {
  const violations = judgeAbsent(left);
  world.gate.decide((call) => decideSend("sweep", call));
  await world.save(deployment);
  const minutes = await playUntilEnded(world, deployment);
  const state = await world.state(deployment);
  return outcomeOf(state, { minutes, violations: [...violations, ...judgeRendered(state, { left, reference })] });
}

/** The same request with the same Idempotency-Key must name the version that is there, and change nothing. */
async function repeatSave(world: KillWorld, deployment: string, state: DeploymentState): Promise<string[]> {
  const number = await world.save(deployment);
  const after = await world.state(deployment);
  const violations = number === state.versions[0]?.version ? [] : [`the repeat answered version ${number}`];
  if (JSON.stringify(after) !== JSON.stringify(state)) violations.push("the repeat changed something");
  return violations;
}

const outcomeOf = ({ jobs: [job] }: DeploymentState, of: { minutes: number; violations: string[] }): TrialOutcome => ({
  ...of,
  attempts: job?.attempts ?? 0,
  isRendered: job?.state === "rendered",
});

/** Resolves when the runtime is dead. Rejects when the call never comes. */
async function dieAt(world: KillWorld, { scenario, k, side }: KillPoint): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`the ${k}th call of ${scenario} never came`)), PATIENCE_MS);
  world.gate.decide((call) => {
    if (call.entry !== ENTRY_OF[scenario] || call.seq !== k || call.side !== side) return decideSend(scenario, call);
    clearTimeout(timer);
    void world.kill().then(resolve, reject);
    return "hold";
  });
  await promise;
}

const decideSend = (scenario: Scenario, call: BindingCall): CallDecision =>
  scenario === "sweep" && isSend(call) ? "fail" : "go";

/** Minutes of cron until the job has ended; the minutes are played at once, one after the other. */
export async function playUntilEnded(world: KillWorld, deployment: string): Promise<number> {
  for (let minute = 1; minute <= MINUTES_MAX; minute++) {
    await world.playCron(minute);
    if (isEnded(await world.state(deployment))) return minute;
  }
  return MINUTES_MAX;
}

async function untilState(
  world: KillWorld,
  deployment: string,
  isReached: (state: DeploymentState) => boolean,
): Promise<DeploymentState> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const state = await world.state(deployment);
    if (isReached(state)) return state;
    if (Date.now() > deadline) throw new Error(`${deployment} did not get there: ${JSON.stringify(state.jobs)}`);
    await sleep(100);
  }
}

/** Every call that began has come back, so no point of the last one is missing. */
async function untilEven(points: readonly KillPoint[]): Promise<void> {
  const isEven = () => points.length > 0 && points.length % 2 === 0;
  const deadline = Date.now() + PATIENCE_MS;
  while (!isEven() && Date.now() < deadline) await sleep(20);
  if (!isEven()) throw new Error("a call was seen to begin and not to end");
}

/** Names of calls for the table: the workspace and digests say nothing to a reader. */
const withoutIds = (op: string) =>
  op.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "{workspace}").replaceAll(/[0-9a-f]{64}/g, "{digest}");
