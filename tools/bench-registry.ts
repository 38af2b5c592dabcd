import { parseArgs } from "node:util";
import { type FanOutTrial, fanOutTrial } from "./registry-bench/fan-out-trial.ts";
import type { HeapUse } from "./registry-bench/watch-heap.ts";
import { measureAdmission } from "./registry-bench/measure-admission.ts";

/**
 * npm run bench:registry [-- --quick | --sizes 1000,3000,10000 --kills 2]
 *
 * What a release costs (docs/design/registry.md says how it is measured): its admission, in CPU and by phase, and its fan-out over
 * many configurations in the local stack, the largest of which is interrupted by SIGKILL. `--quick`: 50 and 150 configurations and
 * one kill. Last line: {"admission_ms","matrix_rows","fanout":[{"configs","ms","peak_mb","heap_mb"}]}, where peak_mb is all of workerd and
 * heap_mb the most that the Worker itself used. Exit 1 when a configuration has not got exactly what its policy says, or got
 * it twice; when time is not linear; when memory grows on the way or with the number of configurations.
 */
const ADMISSION_ROUNDS = { full: 5, quick: 3 };
/** CPU per configuration, the largest size against the smallest: a square would be three times and more. */
const LINEAR_MAX = 2;
const FLAT_FROM_CONFIGURATIONS = 1000;
/** All of workerd, ten times as many against the smallest: nobody bounds the heaps of the local stand-ins, which take long to fill. */
const WORKERD_MAX = 2;
/** The most that the Worker itself uses, ten times as many against the smallest. */
const PEAK_MAX = 1.5;
/** What is in use once V8 has collected: the least of the second half of the way against the usual of the first. */
const KEPT_MAX = 1.3;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      sizes: { type: "string" },
      kills: { type: "string" },
    },
  });
  const sizes = (values.sizes ?? (values.quick ? "50,150" : "1000,3000,10000")).split(",").map(Number);
  const kills = Number(values.kills ?? (values.quick ? 1 : 2));
  const rounds = values.quick ? ADMISSION_ROUNDS.quick : ADMISSION_ROUNDS.full;
  let worst = { total_ms: 0, matrix_rows: 0 };
  for (const [older, newer] of [
    ["v1.0.0", "v1.1.0"],
    ["v1.1.0", "v2.0.0"],
  ] as const) {
    const run = measureAdmission({ older, newer, rounds });
    console.log(`admission of ${newer} after ${older}: ${ms(run.total_ms)} of CPU, ${run.matrix_rows} rows`);
    for (const [phase, time] of Object.entries(run.phases)) console.log(`  ${phase.padEnd(18)} ${ms(time)}`);
    if (run.total_ms > worst.total_ms) worst = run;
  }
  const trials: FanOutTrial[] = [];
  for (const configurations of sizes) {
    const trial = await fanOutTrial({ configurations, kills: configurations === Math.max(...sizes) ? kills : 0 });
    trials.push(trial);
    const each = (time: number) => `${(time / configurations).toFixed(1)} ms`;
    console.log(
      `fan-out over ${configurations}: ${ms(trial.ms)} (${each(trial.ms)} each; CPU ${each(trial.cpu_ms)}), at most ${trial.peak_mb} MB, ${trial.kills} kills`,
    );
    console.log(`  workerd on the way: ${trial.curve_mb.join(", ")} MB`);
    console.log(`  the Worker itself: ${heapOnTheWay(trial)}`);
    console.log(`  ${JSON.stringify(trial.counts)}`);
    for (const violation of trial.violations) console.log(`  VIOLATION: ${violation}`);
  }
  const complaints = [...trials.flatMap(({ violations }) => violations), ...shapeOf(trials)];
  for (const complaint of complaints) console.log(complaint);
  const fanout = trials.map((trial) => ({
    configs: trial.configurations,
    ms: trial.ms,
    peak_mb: trial.peak_mb,
    heap_mb: Math.round(heapPeak(trial, "high_mb")),
  }));
  console.log(JSON.stringify({ admission_ms: Math.round(worst.total_ms), matrix_rows: worst.matrix_rows, fanout }));
  return complaints.length > 0 ? 1 : 0;
}

/** What the sizes say together: a line, and no memory that grows. */
function shapeOf(trials: readonly FanOutTrial[]): string[] {
  const complaints: string[] = [];
  const each = trials.map(({ cpu_ms, configurations }) => cpu_ms / configurations);
  if ((each.at(-1) ?? 0) > (each[0] ?? 0) * LINEAR_MAX)
    complaints.push(`Time is not linear: ${each.map((one) => one.toFixed(1)).join(", ")} ms of CPU for each.`);
  const large = trials.filter(({ configurations }) => configurations >= FLAT_FROM_CONFIGURATIONS);
  const grows = (what: string, megabytes: readonly number[], most: number) => {
    if ((megabytes.at(-1) ?? 0) > (megabytes[0] ?? 0) * most)
      complaints.push(`${what} grows: ${megabytes.map((one) => one.toFixed(0)).join(", ")} MB.`);
  };
  const workerd = large.map(({ peak_mb }) => peak_mb);
  grows("workerd", workerd, WORKERD_MAX);
  const most = large.map((trial) => heapPeak(trial, "high_mb"));
  grows("What the Worker uses", most, PEAK_MAX);
  for (const { configurations, heap } of large) {
    const lows = heap.map(({ low_mb }) => low_mb);
    const half = Math.floor(lows.length / 2);
    // the middle, because a runtime that a kill has started anew has nothing yet
    const before = lows.slice(0, half).toSorted((a, b) => a - b)[half >>> 1];
    if (before === undefined) complaints.push(`The inspector told nothing of the ${configurations} configurations.`);
    else
      grows(
        `What the Worker keeps over ${configurations} configurations`,
        [before, Math.min(...lows.slice(half))],
        KEPT_MAX,
      );
  }
  return complaints;
}

function heapOnTheWay(trial: FanOutTrial): string {
  if (trial.heap.length === 0) return "over before the inspector answered";
  const parts = trial.heap.map(({ low_mb, high_mb }) => `${low_mb.toFixed(0)} to ${high_mb.toFixed(0)}`);
  return `${parts.join(", ")} MB; its heap never had more than ${heapPeak(trial, "held_mb").toFixed(0)} MB`;
}

const heapPeak = ({ heap }: FanOutTrial, of: keyof HeapUse) => Math.max(0, ...heap.map((use) => use[of]));

const ms = (value: number) => `${Math.round(value)} ms`;

process.exitCode = await main();
