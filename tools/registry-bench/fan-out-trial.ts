import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Runtime, type RuntimeFolder, prepareFolder, startRuntime } from "../kill/runtime.ts";
import { makeLocalSecrets } from "../local-secrets.ts";
import { type Upstreams, startUpstreams } from "../upstreams/start-upstreams.ts";
import type { FanOutCounts, Progress } from "./count-fan-out.ts";
import { workerdUsage } from "./process-usage.ts";
import { type HeapUse, watchHeap } from "./watch-heap.ts";

export type FanOutTrial = {
  configurations: number;
  /** Milliseconds from the moment that the release is admitted to the last job's end, while a runtime was there to work. */
  ms: number;
  /** CPU that workerd used meanwhile, which a busy machine does not change. */
  cpu_ms: number;
  /** Most that workerd held in memory meanwhile; 0 where it cannot be read. */
  peak_mb: number;
  /** What it held after each eighth of the way. */
  curve_mb: number[];
  /** What the Worker itself used during each eighth of the way; empty where the inspector does not answer. */
  heap: HeapUse[];
  kills: number;
  /** What is not as it must be at the end; empty is good. */
  violations: string[];
  counts: FanOutCounts;
};

const FIXTURES = path.join(import.meta.dirname, "../../templates-fixtures");
const SEEDED_AT_ONCE = 50;
const SEEDERS = 4;
const SAMPLE_MS = 100;
/** After a kill the clock of the next runtime is so much later: leases of the dead one have ended, as if it had taken so long to start. */
const AHEAD_SECONDS = 400;
const STALLED_MS = 120_000;

type World = {
  folder: RuntimeFolder;
  upstreams: Upstreams;
  runtime: Runtime;
  variables: Record<string, string>;
  aheadSeconds: number;
};

/**
 * One release over so many configurations in `wrangler dev` with its D1, R2, KV and queue: seeded and rendered on v1.0.0, then v1.1.0
 * is published in the local upstream, the hourly cron finds it, and from there on only the minute's cron is played, a second after the
 * last one ended. `kills` times, at even parts of the way, the runtime is ended by SIGKILL, and started anew on what it persisted: the
 * local queue lives in memory, so all its messages are lost with it.
 */
export async function fanOutTrial(of: { configurations: number; kills: number }): Promise<FanOutTrial> {
  const world = await open();
  try {
    await seed(world, of.configurations);
    await restart(world, 0); // what seeding left in memory is none of the fan-out's
    await world.upstreams.control.publishRelease({ tag: "v1.1.0", fixture: "v1.1.0", files: newerImage() });
    const measured = await announce(world, of);
    await untilRendered(world);
    const counts = await get<FanOutCounts>(world, "/__bench/count");
    return { ...of, ...measured, violations: judge(counts, of), counts };
  } finally {
    await world.runtime.kill();
    await world.upstreams.close();
    world.folder.remove();
  }
}

/** The real v1.1.0 changes nothing for the seeded decisions; here it brings a newer image, so that every one is concerned. */
function newerImage(): Record<string, string> {
  const file = "data/images.json";
  const text = readFileSync(path.join(FIXTURES, "leger/v1.1.0/pack", file), "utf8");
  return { [file]: text.replace("open-webui:v0.6.36", "open-webui:v0.6.37") };
}

async function open(): Promise<World> {
  const upstreams = await startUpstreams({
    fixtures: FIXTURES,
    repositories: [{ fullName: "leger-run/leger-templates", fixtures: "leger", published: ["v1.0.0"] }],
  });
  upstreams.control.setRateLimit({ anonymous: 1_000_000 });
  const variables = {
    ...makeLocalSecrets(),
    GITHUB_API_URL: upstreams.githubUrl,
    TAILSCALE_API_URL: upstreams.tailscaleUrl,
  };
  const folder = await prepareFolder(variables, "../registry-bench/worker-entry.ts");
  return { folder, upstreams, runtime: await startRuntime(folder), variables, aheadSeconds: 0 };
}

async function get<T>(world: World, route: string): Promise<T> {
  const response = await fetch(world.runtime.url + route);
  const text = await response.text();
  if (!response.ok) throw new Error(`${route} answered ${response.status}: ${text}`);
  return (text.startsWith("{") ? JSON.parse(text) : text) as T;
}

const playCron = (world: World, cron: string) =>
  get(world, `/cdn-cgi/local/scheduled?${new URLSearchParams({ cron }).toString()}`);

async function seed(world: World, configurations: number): Promise<void> {
  await playCron(world, "7 * * * *");
  const pages = Array.from({ length: Math.ceil(configurations / SEEDED_AT_ONCE) }, (_, n) => n * SEEDED_AT_ONCE);
  const seedNext = async (): Promise<void> => {
    for (let from = pages.shift(); from !== undefined; from = pages.shift())
      await get(world, `/__bench/seed?from=${from}&count=${Math.min(SEEDED_AT_ONCE, configurations - from)}`);
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: SEEDERS }, seedNext));
  console.log(`  seeded ${configurations} configurations in ${Math.round((performance.now() - started) / 1000)} s`);
}

async function restart(world: World, laterSeconds: number): Promise<void> {
  await world.runtime.kill();
  world.aheadSeconds += laterSeconds;
  world.folder.setVariables({ ...world.variables, BENCH_AHEAD_SECONDS: String(world.aheadSeconds) });
  world.runtime = await startRuntime(world.folder);
}

async function announce(
  world: World,
  { configurations, kills }: { configurations: number; kills: number },
): Promise<Pick<FanOutTrial, "ms" | "cpu_ms" | "peak_mb" | "curve_mb" | "heap">> {
  const jobs = configurations * 0.8;
  const marks = Array.from({ length: kills }, (_, n) => (jobs * (n + 1)) / (kills + 1));
  const used = sampleUsage(world);
  const heapWatch = watchHeap(() => world.runtime.inspectorUrl);
  const curve_mb: number[] = [];
  const heap: HeapUse[] = [];
  let ms = 0;
  let cpu_ms = 0;
  try {
    const admission = playCron(world, "7 * * * *");
    await untilAdmitted(world);
    let since = performance.now();
    used.forgetCpu();
    heapWatch.take(); // the admission's own needs are none of the fan-out's
    await admission;
    for (let moved = { done: -1, at: since }; ; await sleep(SAMPLE_MS)) {
      const cron = playCron(world, "* * * * *").catch((cause: unknown) => cause); // a kill cuts it off
      const progress = await untilDone(world, { cron, mark: marks[0] ?? Infinity });
      if (progress.fanout === "done" && progress.queued === 0) break;
      if (progress.done >= (marks[0] ?? Infinity)) {
        marks.shift();
        ms += performance.now() - since;
        cpu_ms += used.cpuMs();
        await restart(world, AHEAD_SECONDS);
        used.forgetCpu();
        console.log(`  killed with ${progress.done} of ${jobs} done and ${progress.queued} waiting`);
        since = performance.now();
      }
      if (progress.done >= (jobs * (curve_mb.length + 1)) / 8) {
        curve_mb.push(used.now());
        const use = heapWatch.take();
        if (use) heap.push(use);
      }
      if (progress.done > moved.done) moved = { done: progress.done, at: performance.now() };
      if (performance.now() - moved.at > STALLED_MS) throw new Error(`no progress: ${JSON.stringify(progress)}`);
    }
    ms = Math.round(ms + performance.now() - since);
    return { ms, cpu_ms: cpu_ms + used.cpuMs(), peak_mb: used.peak(), curve_mb, heap };
  } finally {
    used.stop();
    await heapWatch.stop();
  }
}

async function untilAdmitted(world: World): Promise<void> {
  const deadline = performance.now() + STALLED_MS;
  while ((await get<Progress>(world, "/__bench/progress")).fanout === "none") {
    if (performance.now() > deadline) throw new Error("the release was not admitted");
    await sleep(SAMPLE_MS / 10);
  }
}

/** Looks while a sweep runs and for a second after it; at once back where the mark is reached, in the midst of it. */
async function untilDone(world: World, { cron, mark }: { cron: Promise<unknown>; mark: number }): Promise<Progress> {
  const ended = cron.then(() => sleep(1000, "ended" as const));
  for (;;) {
    const progress = await get<Progress>(world, "/__bench/progress");
    if (progress.done >= mark || (progress.fanout === "done" && progress.queued === 0)) return progress;
    if ((await Promise.race([ended, sleep(SAMPLE_MS)])) === "ended") return progress;
  }
}

function sampleUsage(world: World) {
  let peak = 0;
  let baseMs = 0;
  const usage = () => workerdUsage(world.runtime.groupId);
  const now = () => Math.round(usage().megabytes);
  const allCpuMs = () => usage().cpuMs;
  const timer = setInterval(() => {
    peak = Math.max(peak, now());
  }, SAMPLE_MS);
  return {
    now,
    peak: () => peak,
    /** Since it was last told to forget. */
    cpuMs: () => allCpuMs() - baseMs,
    forgetCpu: () => {
      baseMs = allCpuMs();
    },
    stop: () => clearInterval(timer),
  };
}

/** New versions of those that follow by themselves are rendered after the fan-out, by messages and by the sweep. */
async function untilRendered(world: World): Promise<void> {
  const deadline = performance.now() + 10 * STALLED_MS;
  for (;;) {
    const { unrendered } = await get<Progress>(world, "/__bench/progress");
    if (unrendered === 0) return;
    if (performance.now() > deadline) throw new Error(`${unrendered} versions are not rendered`);
    await playCron(world, "* * * * *");
    await sleep(SAMPLE_MS);
  }
}

function judge({ policies, twice, rendered }: FanOutCounts, { configurations }: { configurations: number }): string[] {
  const violations = policies
    .filter((one) => one.right !== one.configurations)
    .map((one) => `${one.configurations - one.right} of ${one.configurations} that are ${one.policy} are not right`);
  const total = policies.reduce((sum, one) => sum + one.configurations, 0);
  const automatic = policies.find(({ policy }) => policy === "auto")?.configurations ?? 0;
  if (policies.length !== 3 || total !== configurations) violations.push(`${total} configurations are there`);
  if (twice > 0) violations.push(`${twice} configurations were told twice`);
  if (rendered !== automatic) violations.push(`${rendered} of ${automatic} new versions are rendered`);
  return violations;
}
