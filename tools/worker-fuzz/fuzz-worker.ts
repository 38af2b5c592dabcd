import path from "node:path";
import { createTestHarness, unstable_readConfig } from "wrangler";
import type { ProbeAnswer } from "./probe.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const BATCH = 10;
/** A batch takes about a second, on a busy machine ten; how long a single render may take is measured in limits.test.ts. */
const HANG_MS = 120_000;

export type FuzzCounts = {
  cases: number;
  rendered: number;
  refused: number;
  escapes: number;
  hangs: number;
  crashes: number;
};

/**
 * Attacks the engine in a built worker, in batches, and counts. A batch that does not answer in time is a hang and one whose answer never
 * comes or is no 200 a crash: both end the run, because the worker behind them cannot be asked again. `say` gets each finding.
 */
export async function fuzzWorker(
  { count, seed }: { count: number; seed: number },
  say: (problem: string) => void,
): Promise<FuzzCounts> {
  const counts: FuzzCounts = { cases: 0, rendered: 0, refused: 0, escapes: 0, hangs: 0, crashes: 0 };
  const harness = createTestHarness({ root: ROOT, workers: [{ config: probeConfig() }] });
  await harness.listen();
  try {
    for (let from = 0; from < count && counts.hangs + counts.crashes === 0; from += BATCH) {
      const to = Math.min(count, from + BATCH);
      const outcome = await askWithin(HANG_MS, () =>
        harness.getWorker().fetch("/", { method: "POST", body: JSON.stringify({ seed, from, to }) }),
      );
      counts.cases = to;
      if (typeof outcome === "string") {
        counts[outcome === "hang" ? "hangs" : "crashes"]++;
        say(`${outcome} between cases ${from} and ${to} of seed ${seed}`);
        continue;
      }
      counts.rendered += outcome.rendered;
      counts.refused += outcome.refused;
      counts.escapes += outcome.escapes.length;
      counts.crashes += outcome.crashes.length;
      for (const problem of [...outcome.escapes, ...outcome.crashes]) say(problem);
    }
  } finally {
    await harness.close();
  }
  return counts;
}

function probeConfig() {
  const { compatibility_date, compatibility_flags } = unstable_readConfig(
    { config: path.join(ROOT, "wrangler.toml") },
    { hideWarnings: true },
  );
  return {
    name: "engine-probe",
    main: "tools/worker-fuzz/probe.ts",
    ...(compatibility_date && { compatibility_date }),
    compatibility_flags,
  };
}

type Answering = { status: number; json(): Promise<unknown> };

async function askWithin(ms: number, ask: () => Promise<Answering>): Promise<ProbeAnswer | "hang" | "crash"> {
  const answer = async (): Promise<ProbeAnswer | "crash"> => {
    try {
      const response = await ask();
      return response.status === 200 ? ((await response.json()) as ProbeAnswer) : "crash";
    } catch {
      return "crash"; // the worker's process is gone, or threw
    }
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"hang">((resolve) => {
    timer = setTimeout(() => resolve("hang"), ms);
  });
  try {
    return await Promise.race([answer(), late]);
  } finally {
    clearTimeout(timer);
  }
}
