import { Command } from "commander";
import semver from "semver";
import { prepareWith } from "#core/decisions.ts";
import { type MigrationPath, migrate, migrationPath } from "#core/migration/migrate.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { counted, readOrReport, reportFindings, versionOption } from "./pack-options.ts";
import { formatFindings } from "./print-findings.ts";
import { readConfig } from "./read-input.ts";

type Options = { from: string; to: string; config: string; inputs?: string; json?: true };

export const migrateCommand = (exit: (code: number) => void) =>
  new Command("migrate")
    .description("Carry one configuration from a version to another, forward or back, by the newer pack's migrations.")
    .argument("<pack>", "folder of the newer of the two packs")
    .requiredOption("--from <tag>", "the version that the configuration is of")
    .requiredOption("--to <tag>", "the version that it shall be of")
    .requiredOption("--config <file>", "config_data as JSON")
    .option("--inputs <file>", 'values that cannot be derived, as JSON by path: {"web.owner": "Ada"}')
    .option("--json", "the result as one JSON line: {config_data, lost, migrations}")
    .addHelpText(
      "after",
      `
The new config_data goes to stdout, what was done and what is lost to stderr. Forward, it is judged by the newer schema; back, by
the save that takes it.
Exit code 1: something stands in the way, or the result is not valid.
Example: leger-pack migrate new --from v1.1.0 --to v2.0.0 --config home.json > home-v2.json`,
    )
    .action((folder: string, options: Options) => exit(run(folder, options)));

function run(folder: string, options: Options): number {
  const of = { from: versionOption(options.from, "--from"), to: versionOption(options.to, "--to") };
  const newer = readOrReport(folder, { version: semver.gt(of.to, of.from) ? of.to : of.from, json: options.json });
  if (!newer) return 1;
  const inputs = options.inputs === undefined ? {} : readConfig(options.inputs, "--inputs");
  const configData = readConfig(options.config);
  const migrations = packMigrations(newer.pack.compiled.pack);
  const all = migrations.ok ? migrations.value.map(({ migration }) => migration) : [];
  const path = migrationPath(all, of);
  const migrated = migrations.ok ? migrate(path, configData, inputs) : migrations;
  if (!migrated.ok) {
    reportFindings(migrated.error, options.json);
    return 1;
  }
  const { configData: made, lost } = migrated.value;
  if (options.json) console.log(JSON.stringify({ config_data: made, lost, migrations: path.steps.length }));
  else {
    console.log(JSON.stringify(made, null, 2));
    console.error(whatWasDone(path, of));
    for (const { decision, reason } of lost) console.error(`lost: ${decision} (${reason})`);
  }
  // only the newer schema is at hand: what goes back is judged by the save
  const judged = path.direction === "up" ? prepareWith(newer.pack.schema, made) : null;
  if (judged?.ok !== false) return 0;
  if (options.json) for (const finding of judged.error) console.error(JSON.stringify(finding));
  else for (const line of formatFindings(judged.error, { stream: process.stderr })) console.error(line);
  return 1;
}

function whatWasDone({ steps, direction }: MigrationPath, { from, to }: { from: string; to: string }): string {
  if (steps.length === 0)
    return `No migration of this pack leads from ${from} to ${to}: the decisions are as they were.`;
  const operations = steps.reduce((sum, step) => sum + step.operations.length, 0);
  const done = `${counted(steps.length, "migration")} with ${counted(operations, "operation")}`;
  return `${from} -> ${to}: ${done}, taken ${direction === "up" ? "forward" : "back"}.`;
}
