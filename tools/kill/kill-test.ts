import { parseArgs } from "node:util";
import { crashEveryTime } from "./crash-trial.ts";
import type { ReferenceRender } from "./judge-deployment.ts";
import { killAt, type KillPoint, observe, SCENARIOS } from "./kill-trial.ts";
import { type KillWorld, openKillWorld } from "./kill-world.ts";

/**
 * node tools/kill/kill-test.ts [--sample N | --every N | --all]
 *
 * Law 1 on the real runtime: for each binding call of a save, of a render from the queue and of a render by the sweep,
 * before and after it, ends `wrangler dev` and workerd by SIGKILL, starts them on the same persisted state, and plays
 * nothing but cron. Whatever was accepted must end rendered, once. Then a render (with --all, two) that kills its process every time. Prints a
 * table, and as its last line {"kills", "rendered", "violations"}; exit 1 if there is a violation. Default: --sample 6.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { sample: { type: "string" }, every: { type: "string" }, all: { type: "boolean", default: false } },
  });
  const choose = choiceOf(values);
  const world = await openKillWorld();
  const totals = { kills: 0, rendered: 0, violations: 0 };
  try {
    const observed = [];
    for (const scenario of SCENARIOS) observed.push(await observe(world, scenario));
    const all = observed.flatMap(({ points }) => points);
    const reference = observed[0]?.reference ?? new Map<string, string>();
    const chosen = choose(all);
    console.log(`${chosen.length} of ${all.length} points to die at\n`);
    console.log(row(["scenario", "k", "moment", "binding call", "attempts", "minutes", "verdict"]));
    for (const point of chosen) await tryPoint(world, point, { reference, totals });
    await tryCrashes(world, values.all ? 2 : 1, { reference, totals });
  } catch (error) {
    console.error(`The runtime's log is kept: ${world.keepLog()}`);
    throw error;
  } finally {
    await world.close();
  }
  console.log(`\n${JSON.stringify(totals)}`);
  return totals.violations === 0 ? 0 : 1;
}

type Tally = { reference: ReferenceRender; totals: { kills: number; rendered: number; violations: number } };

async function tryPoint(world: KillWorld, point: KillPoint, { reference, totals }: Tally): Promise<void> {
  const { attempts, minutes, isRendered, violations } = await killAt(world, point, reference);
  totals.kills++;
  totals.rendered += Number(isRendered);
  totals.violations += violations.length;
  const { scenario, k, side, op } = point;
  console.log(row([scenario, k, side, op, attempts, minutes, violations.join("; ") || "ok"]));
}

async function tryCrashes(world: KillWorld, count: number, { reference, totals }: Tally): Promise<void> {
  const { kills, attempts, minutes, neighbourMinute, violations } = await crashEveryTime(world, { count, reference });
  totals.kills += kills;
  totals.violations += violations.length;
  const what = `each attempt of ${count}, and an end; the neighbour done in minute ${neighbourMinute}`;
  console.log(row(["crash", "", "", what, attempts, minutes, violations.join("; ") || "ok"]));
}

function choiceOf(values: { sample?: string; every?: string; all: boolean }): (points: KillPoint[]) => KillPoint[] {
  const count = (text: string, name: string) => {
    if (/^[1-9]\d*$/.test(text)) return Number(text);
    throw new Error(`--${name} takes a positive whole number`);
  };
  if (values.all) return (points) => points;
  if (values.every !== undefined) {
    const step = count(values.every, "every");
    return (points) => points.filter((_, at) => at % step === 0);
  }
  // Spread evenly over the scenarios; points come in pairs, so every second choice is an "after".
  const wanted = count(values.sample ?? "6", "sample");
  return (points) => {
    const parts = Math.min(wanted, points.length);
    return points.filter((_, at) => {
      const part = Math.floor((at * parts) / points.length);
      return at === Math.floor(((part + 0.5) * points.length) / parts / 2) * 2 + (part % 2);
    });
  };
}

const WIDTHS = [9, 4, 7, 62, 9, 8];
const row = (cells: (string | number)[]) =>
  cells
    .map((cell, at) => String(cell).padEnd(WIDTHS[at] ?? 0))
    .join(" ")
    .trimEnd();

process.exitCode = await main();
