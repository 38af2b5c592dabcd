import type { BindingCall } from "./binding-call.ts";
import type { DeploymentState } from "./deployment-state.ts";
import { judgeRendered, type ReferenceRender } from "./judge-deployment.ts";
import type { KillWorld } from "./kill-world.ts";

/** Five attempts two minutes apart, for as many crashers as a run has. */
const MINUTES_MAX = 30;
const CRASHES_EXPECTED = 5;
const NEIGHBOUR = "crash-neighbour";

export type CrashOutcome = {
  kills: number;
  attempts: number;
  neighbourMinute: number;
  minutes: number;
  violations: string[];
};

/** One of the versions whose every attempt dies. */
type Crasher = { deployment: string; version: number; deaths: number };

/**
 * Renders that kill their process every time, by cron alone, with a healthy version saved after them: each must end
 * `failed: render_crashed` after its fifth attempt, and together they must not hold up their neighbour, which is due behind
 * them. The first sweep that ends one is killed too, right after the batch that does so: the failure and its audit row
 * are one write.
 */
export async function crashEveryTime(
  world: KillWorld,
  { count, reference }: { count: number; reference: ReferenceRender },
): Promise<CrashOutcome> {
  world.gate.decide(({ op }) => (op.startsWith("RENDER_QUEUE.") ? "fail" : "go"));
  const crashers: Crasher[] = [];
  for (let at = 1; at <= count; at++) {
    const deployment = `crash-always-${at}`;
    crashers.push({ deployment, version: await world.save(deployment), deaths: 0 });
  }
  await world.save(NEIGHBOUR);
  const neighbourLeft = await world.state(NEIGHBOUR);

  const seen = { hasEndDied: false, neighbourMinute: 0, minute: 0 };
  while (!(await areEnded(world, [...crashers.map(({ deployment }) => deployment), NEIGHBOUR]))) {
    if (++seen.minute > MINUTES_MAX) break;
    await playDeadlyMinute(world, crashers, seen);
    if (seen.neighbourMinute === 0 && (await areEnded(world, [NEIGHBOUR]))) seen.neighbourMinute = seen.minute;
  }
  const violations: string[] = [];
  let attempts = 0;
  for (const crasher of crashers) {
    const state = await world.state(crasher.deployment);
    attempts = Math.max(attempts, state.jobs[0]?.attempts ?? 0);
    violations.push(...judgeCrash(state, crasher));
  }
  if (!seen.hasEndDied) violations.push("no sweep was killed as it ended a version");
  const { neighbourMinute, minute: minutes } = seen;
  if (neighbourMinute === 0 || neighbourMinute > count + 1)
    violations.push(`the neighbour was rendered in minute ${neighbourMinute || "never"}`);
  const neighbour = await world.state(NEIGHBOUR);
  violations.push(...judgeRendered(neighbour, { left: neighbourLeft, reference }).map((what) => `neighbour: ${what}`));
  const kills = crashers.reduce((sum, { deaths }) => sum + deaths, 0) + Number(seen.hasEndDied);
  return { kills, attempts, neighbourMinute, minutes, violations };
}

/** A crasher dies before any of its files is put. Once all have died often enough, so does the sweep that looks at one. */
async function playDeadlyMinute(
  world: KillWorld,
  crashers: Crasher[],
  seen: { hasEndDied: boolean; minute: number },
): Promise<void> {
  const isEnd = !seen.hasEndDied && crashers.every(({ deaths }) => deaths === CRASHES_EXPECTED);
  const isAtEnd = ({ op, side }: BindingCall) =>
    isEnd && side === "after" && op.startsWith("DB.batch") && op.endsWith("UPDATE render_jobs");
  const crasherOf = ({ op, side }: BindingCall) =>
    side === "before" && op.startsWith("QUADLETS.put")
      ? crashers.find(({ version }) => op.includes(`/v${version}/`))
      : undefined;
  const cause = await cronKilledAt(world, { minute: seen.minute, at: (call) => isAtEnd(call) || !!crasherOf(call) });
  if (!cause) return;
  const crasher = crasherOf(cause);
  if (crasher) crasher.deaths++;
  else seen.hasEndDied = true;
}

/** Plays a minute of cron that dies at the first such call; answers the call, with the runtime started again. */
async function cronKilledAt(
  world: KillWorld,
  { minute, at }: { minute: number; at: (call: BindingCall) => boolean },
): Promise<BindingCall | null> {
  const deaths: { cause: BindingCall; death: Promise<void> }[] = [];
  world.gate.decide((call) => {
    if (!at(call)) return "go";
    if (deaths.length === 0) deaths.push({ cause: call, death: world.kill() });
    return "hold";
  });
  await world.playCron(minute).catch((error: unknown) => {
    if (deaths.length === 0) throw error;
  });
  const [first] = deaths;
  if (!first) return null;
  await first.death;
  await world.restart();
  return first.cause;
}

async function areEnded(world: KillWorld, deployments: string[]): Promise<boolean> {
  for (const deployment of deployments) {
    const state = (await world.state(deployment)).jobs[0]?.state;
    if (state !== "failed" && state !== "rendered") return false;
  }
  return true;
}

function judgeCrash(
  { jobs: [job], renders, heads, audited }: DeploymentState,
  { deployment, deaths }: Crasher,
): string[] {
  const outcome = [job?.state, job?.failure, job?.attempts, deaths].join(" ");
  const expected = ["failed", "render_crashed", CRASHES_EXPECTED, CRASHES_EXPECTED].join(" ");
  const violations = outcome === expected ? [] : [`it ended as: ${outcome}`];
  if (renders.length + heads.length > 0) violations.push("something of it was released");
  if (audited.filter((action) => action === "version.failed").length !== 1)
    violations.push(`its failure is not audited once, but: ${audited.join(", ")}`);
  return violations.map((what) => `${deployment}: ${what}`);
}
