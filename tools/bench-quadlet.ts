/**
 * npm run bench:quadlet [-- --units 1000] [--rounds 15]
 *
 * Checks that many units and plans their installation over an older render, as renders of ten units each, the size that renders have
 * (one of them may hold 200 files). The newest real generator reads the same units, in turns with us, in three ways:
 *
 * - all at once in one run over one folder, its best case: this decides the ratio;
 * - the same without its start-up, which is what a run over a single unit takes;
 * - one run for each render, which is what a service that called it would pay.
 *
 * All times are CPU time, ours with every thread of the process (compiler and garbage collector included), so that a loaded machine
 * does not decide; medians of the rounds. We are warm, as a Worker is after its first renders; the generator has no such state.
 * Last line: {"units","ms","ratio"}: our milliseconds for loading, checking and planning together, and how many times as long the
 * generator takes. Above 1 we are faster. Exit 1 when we are not, 3 when no generator is installed.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { checkBundle } from "#quadlet/check-units.ts";
import { loadUnits, type BundleFile } from "#quadlet/load-units.ts";
import { planBundles } from "#quadlet/plan/plan-between.ts";
import { findGenerators, withFolder, writeBundle, type Generator } from "./agree/generator.ts";

const UNITS_PER_RENDER = 10;

/** Renders of ten units that name each other; `tag` sets two renders apart. */
function stacks(units: number, tag: string): BundleFile[][] {
  return Array.from({ length: Math.ceil(units / UNITS_PER_RENDER) }, (_, stack) => stackOf(stack, tag));
}

function stackOf(stack: number, tag: string): BundleFile[] {
  const name = `s${stack}`;
  const files: BundleFile[] = [];
  files.push(
    { filename: `${name}.network`, text: `[Network]\nSubnet=10.${Math.floor(stack / 250)}.${stack % 250}.0/24\n` },
    { filename: `${name}-data.volume`, text: "[Volume]\nLabel=backup=yes\n" },
  );
  for (let service = 0; service < 8; service += 1) {
    const before =
      service === 0 ? "" : `Requires=${name}-${service - 1}.service\nAfter=${name}-${service - 1}.service\n`;
    files.push({
      filename: `${name}-${service}.container`,
      text: `[Unit]
Description=Service ${service} of stack ${stack}
${before}
[Container]
Image=docker.io/library/app${service}:${service === 3 ? tag : "1.0"}
Network=${name}.network
PublishPort=127.0.0.1:${10_000 + stack * 8 + service}:8080
Volume=${name}-data.volume:/data
Environment=NAME=${name} "TITLE=Stack ${stack}" LEVEL=info
Secret=token,type=env,target=TOKEN
HealthCmd=curl -fsS http://localhost:8080/health
HealthInterval=30s

[Service]
Restart=always

[Install]
WantedBy=default.target
`,
    });
  }
  return files;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

/** Milliseconds of CPU time that this process has taken so far. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Bash reports the CPU time of what it has waited for, which Node does not. */
const TIMED_RUNS = `
TIMEFORMAT='%3U %3S'
time for folder in "\${@:2}"; do
  QUADLET_UNIT_DIRS=$folder "$1" -dryrun -user -no-kmsg-log >/dev/null 2>&1 || exit 1
done`;

/** Milliseconds of CPU time that the generator takes to read these folders, one run for each. */
function generatorMs({ program }: Generator, folders: readonly string[]): number {
  const run = spawnSync("bash", ["-c", TIMED_RUNS, "bash", program, ...folders], { encoding: "utf8" });
  if (run.error !== undefined) throw run.error;
  if (run.status !== 0) throw new Error("the generator refuses the bench's own units");
  const [user = Number.NaN, system = Number.NaN] = run.stderr.trim().split(" ").map(Number);
  return (user + system) * 1000;
}

/** `cpu` decides; the parts are elapsed time, for which reading the clock costs nothing. */
type Ours = { readonly cpu: number; readonly load: number; readonly check: number; readonly plan: number };

/** Every render as the pipeline treats it: read both, check the new one, plan its installation. */
function round(podman: string, renders: { old: BundleFile[][]; next: BundleFile[][] }): Ours {
  // Texts come fresh from storage for each job.
  const { old, next } = structuredClone(renders);
  const times = { load: 0, check: 0, plan: 0 };
  const cpuBefore = cpuMs();
  old.forEach((files, index) => {
    const from = performance.now();
    const before = loadUnits(files, podman);
    const bundle = loadUnits(next[index] ?? [], podman, before);
    const loaded = performance.now();
    const findings = checkBundle(bundle);
    const checked = performance.now();
    const plan = planBundles(before, bundle);
    times.load += loaded - from;
    times.check += checked - loaded;
    times.plan += performance.now() - checked;
    const isRefused = findings.some((finding) => finding.severity === "error");
    if (isRefused || plan.steps.length === 0) throw new Error("not the bench's own units");
  });
  return { cpu: cpuMs() - cpuBefore, ...times };
}

/** After as many, hardly anything is compiled any more. */
const WARM_UP_ROUNDS = 30;

function bench(generator: Generator, units: number, rounds: number) {
  const renders = { old: stacks(units, "1.0"), next: stacks(units, "1.1") };
  const ours: Ours[] = [];
  const theirs = { atOnce: [] as number[], startUp: [] as number[], perRender: [] as number[] };
  withFolder((scratch) => {
    const fill = (name: string, files: readonly BundleFile[]) => {
      const folder = path.join(scratch, name);
      mkdirSync(folder);
      writeBundle(folder, files);
      return folder;
    };
    const all = fill("all", renders.next.flat());
    const single = fill("single", renders.next.flat().slice(0, 1));
    const each = renders.next.map((files, index) => fill(`render-${index}`, files));
    for (let count = 0; count < WARM_UP_ROUNDS; count += 1) round(generator.version, renders);
    generatorMs(generator, [all]);
    for (let count = 0; count < rounds; count += 1) {
      ours.push(round(generator.version, renders));
      theirs.atOnce.push(generatorMs(generator, [all]));
      theirs.startUp.push(generatorMs(generator, [single]));
      theirs.perRender.push(generatorMs(generator, each));
    }
  });
  return {
    units: renders.next.flat().length,
    ms: median(ours.map((one) => one.cpu)),
    // Neighbours in time run under the same conditions.
    ratio: median(theirs.atOnce.map((time, index) => time / (ours[index]?.cpu ?? Number.NaN))),
    load: median(ours.map((one) => one.load)),
    check: median(ours.map((one) => one.check)),
    plan: median(ours.map((one) => one.plan)),
    atOnce: median(theirs.atOnce),
    startUp: median(theirs.startUp),
    perRender: median(theirs.perRender),
  };
}

const { values } = parseArgs({
  options: { units: { type: "string", default: "1000" }, rounds: { type: "string", default: "15" } },
});
const generator = findGenerators(path.resolve(import.meta.dirname, "..")).at(-1);
if (generator === undefined) {
  console.error("No generator is installed: run tools/quadlet-generator.sh sid .leger/quadlet-new.");
  process.exit(3);
}

const found = bench(generator, Number(values.units), Number(values.rounds));
const inMs = (time: number) => `${time.toFixed(1)} ms`;
const line = (name: string, time: number) =>
  console.log(`  ${name}: ${inMs(time)}, ${(time / found.ms).toFixed(2)} times ours`);
const parts = `elapsed: load ${inMs(found.load)}, check ${inMs(found.check)}, plan ${inMs(found.plan)}`;
console.log(`ours: ${inMs(found.ms)} of CPU time (${parts})`);
console.log(`generator of Podman ${generator.version}, CPU time:`);
line("all units in one run", found.atOnce);
line("the same without start-up", found.atOnce - found.startUp);
line("one run for each render", found.perRender);
const { ratio } = found;
console.log(
  JSON.stringify({ units: found.units, ms: Math.round(found.ms * 10) / 10, ratio: Math.round(ratio * 100) / 100 }),
);
process.exit(ratio > 1 ? 0 : 1);
