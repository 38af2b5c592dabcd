/**
 * npm run agree -- [--count N] [--seed N] [--verbose]
 *
 * Holds our checks against the real generators: key by key, on all fixtures and renders, and on generated bundles and mutations of
 * them. No bundle that a generator refuses may pass, and none that it accepts and systemd verifies may be called an error,
 * unless tools/agree/documented.ts says why. Last line: {"units","generators","missed","false_alarms","documented"}.
 * Exit 1 on any disagreement, 3 when no generator is installed (tools/quadlet-generator.sh installs them).
 */
import { readdirSync, readFileSync, statSync, existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import type { Finding } from "#core/finding.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";
import { DOCUMENTED } from "./agree/documented.ts";
import { generateBundle } from "./agree/generate-bundle.ts";
import { dryRun, findGenerators, systemdVerifies, withFolder, writeBundle, type Generator } from "./agree/generator.ts";
import { mutateBundle } from "./agree/mutate-bundle.ts";
import { probeKeys } from "./agree/probe-keys.ts";
import { seeded } from "./agree/random.ts";

const ROOT = path.resolve(import.meta.dirname, "..");

type Case = { readonly name: string; readonly files: readonly BundleFile[] };
type Outcome = { readonly kind: "agreed" | "refused" | "missed" | "false_alarm" | "documented"; readonly text: string };

function readFolder(folder: string): BundleFile[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).toSorted();
  return names
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .map((name) => ({ filename: name, text: readFileSync(path.join(folder, name), "utf8") }));
}

/** Every folder under `root` whose own files include a unit is a bundle; its subfolders belong to it. */
function bundlesUnder(root: string): Case[] {
  if (!existsSync(root)) return [];
  const isBundle = readdirSync(root).some((name) => unitTypeOf(name) !== null);
  if (isBundle) return [{ name: path.relative(ROOT, root), files: readFolder(root) }];
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.flatMap((entry) => bundlesUnder(path.join(root, entry.name)));
}

/** Files that the generator names in its refusal, with what it says about each. A crash names none. */
function refusedUnits(problems: string): { name: string; reason: string }[] {
  const pattern = /(?:converting|error loading) "(?:[^"]*\/)?([^"/]+)"[:,] (.*)/g;
  return [...problems.matchAll(pattern)].map((match) => ({ name: match[1] ?? "", reason: match[2] ?? "" }));
}

/** A finding in the unit's own file, or in a drop-in, which may be anybody's. */
const isAbout = ({ place }: Finding, name: string): boolean =>
  place !== undefined && (path.basename(place.file) === name || place.file.includes(".d/"));

/** A unit that joins a refused network is refused too: the finding stands where the mistake is, not at each that suffers from it. */
const isCause = ({ place }: Finding, reason: string): boolean =>
  place !== undefined && reason === `cannot get the resource name of ${path.basename(place.file)}`;

function judge({ files }: Case, generator: Generator): Outcome {
  const errors = checkUnits(files, { podmanTarget: generator.version }).filter(
    (finding) => finding.severity === "error",
  );
  return withFolder((folder) => {
    writeBundle(folder, files);
    const verdict = dryRun(generator, folder);
    const codes = [...new Set(errors.map((finding) => finding.code))];
    if (!verdict.isAccepted) {
      const passed = refusedUnits(verdict.problems).find(
        ({ name, reason }) => !errors.some((finding) => isAbout(finding, name) || isCause(finding, reason)),
      );
      if (passed !== undefined) return { kind: "missed", text: `${passed.name}: ${passed.reason}` };
      return errors.length > 0 ? { kind: "refused", text: "" } : { kind: "missed", text: verdict.problems };
    }
    if (errors.length === 0) return { kind: "agreed", text: "" };
    const unexplained = codes.filter((code) => DOCUMENTED[code] === undefined);
    if (unexplained.length === 0) return { kind: "documented", text: codes.join(", ") };
    const isVerified = systemdVerifies(generator, folder);
    if (isVerified === false) return { kind: "agreed", text: "" };
    const finding = errors.find((one) => unexplained.includes(one.code));
    return { kind: "false_alarm", text: `${unexplained.join(", ")}: ${finding?.message ?? ""}` };
  });
}

function casesFor(count: number, seed: number, podman: string): Case[] {
  const random = seeded(seed);
  const fixtures = ["test-node/quadlet", "templates-fixtures"].flatMap((folder) =>
    bundlesUnder(path.join(ROOT, folder)),
  );
  const bases = fixtures.filter((fixture) =>
    checkUnits(fixture.files, { podmanTarget: podman }).every((one) => one.severity !== "error"),
  );
  const made = Array.from({ length: count }, (_, index): Case => {
    const generated = generateBundle(random, podman);
    if (index % 5 === 0) return { name: `generated ${index}`, files: generated };
    const base = bases.length > 0 && index % 3 === 0 ? random.pick(bases).files : generated;
    return { name: `mutated ${index}`, files: mutateBundle(base, random) };
  });
  return [...fixtures, ...made];
}

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    verbose: { type: "boolean", default: false },
  },
});
const generators = findGenerators(ROOT);
if (generators.length === 0) {
  console.error(
    "No generator is installed: run tools/quadlet-generator.sh trixie .leger/quadlet-5.4, and sid .leger/quadlet-new.",
  );
  process.exit(3);
}

const total = { units: 0, missed: 0, false_alarms: 0, documented: 0 };
const documentedCodes = new Set<string>();
let keyMismatches = 0;
for (const generator of generators) {
  const keys = probeKeys(generator);
  keyMismatches += keys.mismatches.length;
  console.log(`Podman ${generator.version}: ${keys.probes} keys probed, ${keys.mismatches.length} mismatches`);
  for (const mismatch of keys.mismatches) console.log(`  ${mismatch}`);

  const verdicts = { refused: 0, accepted: 0 };
  for (const one of casesFor(Number(values.count), Number(values.seed), generator.version)) {
    const outcome = judge(one, generator);
    verdicts[outcome.kind === "refused" || outcome.kind === "missed" ? "refused" : "accepted"] += 1;
    total.units += one.files.filter((file) => unitTypeOf(file.filename) !== null).length;
    if (outcome.kind === "documented") {
      total.documented += 1;
      for (const code of outcome.text.split(", ")) documentedCodes.add(code);
    }
    if (outcome.kind !== "missed" && outcome.kind !== "false_alarm") continue;
    if (outcome.kind === "missed") total.missed += 1;
    else total.false_alarms += 1;
    console.log(`  ${outcome.kind} on ${generator.version}, ${one.name}: ${outcome.text}`);
    if (values.verbose) for (const file of one.files) console.log(`--- ${file.filename}\n${file.text}`);
  }
  console.log(`Podman ${generator.version}: ${verdicts.refused} bundles refused, ${verdicts.accepted} accepted`);
}
console.log("Errors that only Podman itself would report, and why they are errors:");
for (const code of [...documentedCodes].toSorted()) console.log(`  ${code}: ${DOCUMENTED[code] ?? ""}`);
console.log(
  JSON.stringify({
    units: total.units,
    generators: generators.map((one) => one.version),
    missed: total.missed,
    false_alarms: total.false_alarms,
    documented: total.documented,
  }),
);
process.exit(total.missed + total.false_alarms + keyMismatches > 0 ? 1 : 0);
