import { Command } from "commander";
import semver from "semver";
import type { Compatibility } from "#core/compatibility/compatibility.ts";
import { pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { migrationPath } from "#core/migration/migrate.ts";
import { comparePacks } from "#registry/admission/compare-packs.ts";
import type { ExaminedPack } from "#registry/admission/examine-pack.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { renderMatrix } from "#registry/admission/run-matrix.ts";
import { counted, readOrReport, reportFindings, versionOf } from "./pack-options.ts";
import { usageError } from "./usage-error.ts";

type Options = { from?: string; to?: string; json?: true };
type Versions = { from: string; to: string };

/** Stands in where nobody said which versions these are: a major step may do anything, so no promise is judged. */
const UNKNOWN: Versions = { from: "v1.0.0", to: "v2.0.0" };

export const compatCommand = (exit: (code: number) => void) =>
  new Command("compat")
    .description("How one release follows another: computed from the schemas and from what both render to.")
    .argument("<old>", "folder of the older pack")
    .argument("<new>", "folder of the newer pack")
    .option("--from <tag>", "the older one's tag; a folder called v1.2.0 needs none")
    .option("--to <tag>", "the newer one's tag; a folder called v1.2.0 needs none")
    .option("--json", "the judgement as one JSON line; from, to and promised are null where no tags are known")
    .addHelpText(
      "after",
      `
patch: in other words; minor: more is possible; major: what was saved may not be valid any more, or data are at risk.
Exit code 1: the number promises more than the release keeps, or a pack is faulty. Without tags no promise is judged.
Example: leger-pack compat old new --from v1.0.0 --to v1.1.0`,
    )
    .action((older: string, newer: string, options: Options) => exit(run({ older, newer }, options)));

function run(folders: { older: string; newer: string }, options: Options): number {
  const versions = versionsOf(folders, options);
  const { from, to } = versions ?? UNKNOWN;
  const older = readOrReport(folders.older, { version: from, json: options.json, isOneOfTwo: true });
  const newer = readOrReport(folders.newer, { version: to, json: options.json, isOneOfTwo: true });
  if (!older || !newer) return 1;
  const compatibility = compare({ older, newer, hasVersions: versions !== null }, options);
  if (!compatibility) return 1;
  if (options.json)
    console.log(JSON.stringify(versions ? compatibility : { ...compatibility, from: null, to: null, promised: null }));
  else printCompatibility(compatibility, versions);
  return versions && compatibility.is_overpromising ? 1 : 0;
}

function versionsOf(folders: { older: string; newer: string }, options: Options): Versions | null {
  const from = versionOf(folders.older, { given: options.from, option: "--from" });
  const to = versionOf(folders.newer, { given: options.to, option: "--to" });
  if (from === null || to === null) {
    if (options.from === undefined && options.to === undefined) return null;
    throw usageError(`say both versions: ${from === null ? "--from" : "--to"} <tag> is missing`);
  }
  if (!semver.gt(to, from)) throw usageError(`${to} does not come after ${from}: name the older pack first`);
  return { from, to };
}

function compare(
  { older, newer, hasVersions }: { older: ExaminedPack; newer: ExaminedPack; hasVersions: boolean },
  { json }: Options,
): Compatibility | null {
  const migrations = packMigrations(newer.pack.compiled.pack);
  if (!migrations.ok) {
    reportFindings(migrations.error, json);
    return null;
  }
  if (!hasVersions && migrations.value.length > 0)
    throw usageError("the newer pack has migrations, which go by versions: say --from <tag> and --to <tag>");
  const path = migrationPath(
    migrations.value.map(({ migration }) => migration),
    { from: older.version, to: newer.version },
  );
  const rows = renderMatrix(older.pack, pairwiseMatrix(older.pack.schema));
  return comparePacks({ older, newer, rows, path }).compatibility;
}

function printCompatibility(compatibility: Compatibility, versions: Versions | null): void {
  const { changes, risks, inputs, deserved, promised } = compatibility;
  for (const { level, message } of changes) console.log(`${level.padEnd(6)}${message}`);
  for (const risk of risks) console.log(`data  ${risk}`);
  for (const { decision, message } of inputs) console.log(`input ${decision}: ${message}`);
  const { rows, ...counts } = compatibility.renders;
  const found = Object.entries(counts).flatMap(([name, n]) => (n > 0 ? [`${n} ${WORDS.get(name) ?? name}`] : []));
  console.log(`${counted(rows, "configuration")} tried: ${found.join(", ")}`);
  const step = `${compatibility.class}; deserves a ${deserved} step`;
  if (!versions) console.log(`${step} (say --from and --to to have the number judged)`);
  else if (compatibility.is_overpromising)
    console.log(`${step}, but ${versions.from} -> ${versions.to} is a ${promised} one: nobody takes it automatically`);
  else console.log(`${step}; ${versions.from} -> ${versions.to} is a ${promised} one`);
}

/** What becomes of a configuration's files, for a person. */
const WORDS = new Map([
  ["changed", "with other files and no restart"],
  ["restart", "that restart something"],
  ["recreate", "that recreate something"],
  ["data_risk", "that may lose data"],
  ["needs_input", "that need a value"],
]);
