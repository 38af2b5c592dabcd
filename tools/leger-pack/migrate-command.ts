import { Command } from "commander";
import semver from "semver";
import { prepareWith } from "#core/decisions.ts";
import { migrate, migrationPath } from "#core/migration/migrate.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { readOrReport, reportFindings, versionOption } from "./pack-options.ts";
import { readConfig } from "./read-input.ts";

type Options = { from: string; to: string; config: string; inputs?: string; json?: true };

export const migrateCommand = (exit: (code: number) => void) =>
  new Command("migrate")
    .description("Carry one configuration from a version to another, forward or back, by the newer pack's migrations.")
    .argument("<pack>", "folder of the newer of the two packs")
    .requiredOption("--from <tag>", "the version that the configuration is of")
    .requiredOption("--to <tag>", "the version that it shall be of")
    .requiredOption("--config <file>", "config_data as JSON")
    .option("--inputs <file>", "values that cannot be derived, as JSON: path to value")
    .option("--json", "the result as one JSON line")
    .action((folder: string, options: Options) => exit(run(folder, options)));

function run(folder: string, options: Options): number {
  const of = { from: versionOption(options.from, "--from"), to: versionOption(options.to, "--to") };
  const newer = readOrReport(folder, { version: semver.gt(of.to, of.from) ? of.to : of.from, json: options.json });
  if (!newer) return 1;
  const migrations = packMigrations(newer.pack.compiled.pack);
  const path = migrations.ok
    ? migrationPath(
        migrations.value.map(({ migration }) => migration),
        of,
      )
    : null;
  if (!migrations.ok || !path) {
    reportFindings(migrations.ok ? [] : migrations.error, options.json);
    return 1;
  }
  const inputs = options.inputs === undefined ? {} : readConfig(options.inputs);
  const migrated = migrate(path, readConfig(options.config), inputs);
  if (!migrated.ok) {
    reportFindings(migrated.error, options.json);
    return 1;
  }
  const { configData, lost } = migrated.value;
  console.log(options.json ? JSON.stringify({ config_data: configData, lost }) : JSON.stringify(configData, null, 2));
  if (!options.json) for (const { decision, reason } of lost) console.error(`lost: ${decision} (${reason})`);
  // only the newer schema is at hand: what goes back is judged by the save
  const judged = path.direction === "up" ? prepareWith(newer.pack.schema, configData) : null;
  if (judged?.ok === false) reportFindings(judged.error, options.json);
  return judged?.ok === false ? 1 : 0;
}
