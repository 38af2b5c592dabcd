import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { JsonObject } from "#core/json.ts";

/** One way to render: given decisions that nobody has used yet, it yields texts. */
export type Contender = (decisions: JsonObject) => unknown;

setFlagsFromString("--expose-gc");
const collectYoung = runInNewContext("() => gc({ type: 'minor' })") as () => void;

/** Long enough for the clock and for the caches of the processor to be a contender's own; short, so that few blocks are interrupted. */
const BLOCK_MS = 5;
const RUNS_MAX = 200;

/**
 * Milliseconds of one run, over `runs` runs. Decisions are copied, and garbage collected, outside of the time that is taken; so is a
 * lead-in, in which the contender gets the processor's caches back from the one before.
 */
function block(contender: Contender, source: JsonObject, runs: number): number {
  const copies = Array.from({ length: runs }, () => structuredClone(source));
  const leadIn = Array.from({ length: Math.ceil(runs / 2) }, () => structuredClone(source));
  collectYoung();
  for (const decisions of leadIn) contender(decisions);
  const start = performance.now();
  for (const decisions of copies) contender(decisions);
  return (performance.now() - start) / runs;
}

const runsFor = (ms: number): number => Math.max(1, Math.min(RUNS_MAX, Math.round(BLOCK_MS / ms)));

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

export type Budget = { readonly warmUpMs: number; readonly ms: number };

export type RaceResult = {
  /** Milliseconds of one run: the median over the blocks. */
  readonly ms: number;
  /** How much faster than the first contender: the median over the rounds, because a shared machine changes its speed between them. */
  readonly speed: number;
};

/**
 * Who comes when in a round: each begins as often as the others, and there and back, so that nobody always comes after the same one. What
 * a contender leaves behind (memory to collect, caches of the processor) costs the next one up to 5%.
 */
function orderOf(round: number, count: number): number[] {
  const order = Array.from({ length: count }, (_, place) => (place + (round >> 1)) % count);
  return round % 2 === 0 ? order : order.toReversed();
}

/**
 * Contenders take turns in blocks of some milliseconds, so that all meet the same machine; before, each runs until the JavaScript
 * engine has compiled it for good.
 */
export function race(source: JsonObject, contenders: readonly Contender[], budget: Budget): RaceResult[] {
  const runs = contenders.map((contender) => {
    let took = block(contender, source, 1);
    const end = performance.now() + budget.warmUpMs;
    while (performance.now() < end) took = block(contender, source, runsFor(took));
    return runsFor(took);
  });
  const rounds: number[][] = [];
  const end = performance.now() + budget.ms;
  while (rounds.length < 5 || performance.now() < end) {
    const times: number[] = [];
    for (const index of orderOf(rounds.length, contenders.length)) {
      const contender = contenders[index];
      if (contender !== undefined) times[index] = block(contender, source, runs[index] ?? 1);
    }
    rounds.push(times);
  }
  return contenders.map((_, index) => ({
    ms: median(rounds.map((times) => times[index] ?? 0)),
    speed: median(rounds.map((times) => (times[0] ?? 0) / (times[index] ?? 0))),
  }));
}
