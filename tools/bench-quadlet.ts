/**
 * npm run bench:quadlet [-- --units 1000] [--rounds 15]
 *
 * Checks that many units and plans their installation over an older render, as renders of ten units each, the size that renders have
 * (one of them may hold 200 files). The newest real generator reads the same units in one run over one folder, which is its best case.
 * Medians of rounds in turns. Last line: {"units","ms","ratio"}: our milliseconds for loading, checking and planning together, and how
 * many times as long the generator takes. Above 1 we are faster. Exit 1 when we are not, 3 when no generator is installed.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { checkBundle } from "#quadlet/check-units.ts";
import { loadUnits, type BundleFile } from "#quadlet/load-units.ts";
import { planBundles } from "#quadlet/plan/plan-between.ts";
import { dryRun, findGenerators, withFolder, writeBundle } from "./agree/generator.ts";

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

const { values } = parseArgs({
  options: { units: { type: "string", default: "1000" }, rounds: { type: "string", default: "15" } },
});
const generator = findGenerators(path.resolve(import.meta.dirname, "..")).at(-1);
if (generator === undefined) {
  console.error("No generator is installed: run tools/quadlet-generator.sh sid .leger/quadlet-new.");
  process.exit(3);
}

const old = stacks(Number(values.units), "1.0");
const next = stacks(Number(values.units), "1.1");
const ours = { load: [] as number[], check: [] as number[], plan: [] as number[] };
const theirs: number[] = [];

/** Every render as the pipeline treats it: read both, check the new one, plan its installation. */
function round(podman: string): void {
  const times = { load: 0, check: 0, plan: 0 };
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
  ours.load.push(times.load);
  ours.check.push(times.check);
  ours.plan.push(times.plan);
}

withFolder((folder) => {
  writeBundle(folder, next.flat());
  // A Worker is warm after its first renders; the generator starts afresh each time, as it does on a device.
  for (let warmUp = 0; warmUp < 5; warmUp += 1) round(generator.version);
  for (const times of Object.values(ours)) times.length = 0;
  for (let count = 0; count < Number(values.rounds); count += 1) {
    round(generator.version);
    const from = performance.now();
    if (!dryRun(generator, folder).isAccepted) throw new Error("the generator refuses the bench's own units");
    theirs.push(performance.now() - from);
  }
});
const [load, check, plan] = [median(ours.load), median(ours.check), median(ours.plan)];
const generated = median(theirs);
const parts = `load ${load.toFixed(1)} ms, check ${check.toFixed(1)} ms, plan ${plan.toFixed(1)} ms`;
console.log(`${parts}; generator of Podman ${generator.version}: ${generated.toFixed(1)} ms`);
const ms = load + check + plan;
const ratio = generated / ms;
console.log(
  JSON.stringify({ units: next.flat().length, ms: Math.round(ms * 10) / 10, ratio: Math.round(ratio * 100) / 100 }),
);
process.exit(ratio > 1 ? 0 : 1);
