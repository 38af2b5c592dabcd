import { Command } from "commander";
import { pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { migrationPath } from "#core/migration/migrate.ts";
import { comparePacks } from "#registry/admission/compare-packs.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { renderMatrix } from "#registry/admission/run-matrix.ts";
import { readOrReport, reportFindings, versionOption } from "./pack-options.ts";

type Options = { from: string; to: string; json?: true };

export const compatCommand = (exit: (code: number) => void) =>
  new Command("compat")
    .description("How one release follows another: computed from the schemas and from what both render to.")
    .argument("<old>", "folder of the older pack")
    .argument("<new>", "folder of the newer pack")
    .option("--from <tag>", "the older one's tag", "v1.0.0")
    .option("--to <tag>", "the newer one's tag", "v1.0.1")
    .option("--json", "the judgement as one JSON line")
    .addHelpText("after", "\nExit code 1: the number promises more than the release keeps.")
    .action((older: string, newer: string, options: Options) => exit(run({ older, newer }, options)));

function run(folders: { older: string; newer: string }, options: Options): number {
  const older = readOrReport(folders.older, { version: versionOption(options.from, "--from"), json: options.json });
  const newer = readOrReport(folders.newer, { version: versionOption(options.to, "--to"), json: options.json });
  if (!older || !newer) return 1;
  const migrations = packMigrations(newer.pack.compiled.pack);
  if (!migrations.ok) {
    reportFindings(migrations.error, options.json);
    return 1;
  }
  const path = migrationPath(
    migrations.value.map(({ migration }) => migration),
    { from: older.version, to: newer.version },
  );
  const rows = renderMatrix(older.pack, pairwiseMatrix(older.pack.schema));
  const { compatibility } = comparePacks({ older, newer, rows, path });
  if (options.json) console.log(JSON.stringify(compatibility));
  else {
    for (const { level, message } of compatibility.changes) console.log(`${level.padEnd(6)}${message}`);
    for (const risk of compatibility.risks) console.log(`data   ${risk}`);
    for (const { decision, message } of compatibility.inputs) console.log(`input  ${decision}: ${message}`);
    const { rows: tried, ...counts } = compatibility.renders;
    console.log(
      `${tried} configurations tried: ${Object.entries(counts)
        .filter(([, n]) => n > 0)
        .map(([name, n]) => `${n} ${name}`)
        .join(", ")}`,
    );
    console.log(
      `${compatibility.class}; deserves a ${compatibility.deserved} step, ${options.from} -> ${options.to} is a ${compatibility.promised} one`,
    );
  }
  return compatibility.is_overpromising ? 1 : 0;
}
