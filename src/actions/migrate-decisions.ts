import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Migrated, type MigrationPath, migrate, migrationPath } from "#core/migration/migrate.ts";
import { type Result, ok } from "#core/result.ts";
import type { Deps } from "#deps.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { loadPack } from "#registry/load-pack.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";

type Journey = {
  from: string;
  to: string;
  configData: JsonObject;
  /** Values by path for what cannot be derived. */
  inputs: JsonObject;
};

/** Carries decisions from one schema version to another, forward or back. Refuses with all that is in the way; stores nothing. */
export async function migrateDecisions(
  deps: Deps,
  { newer, ...journey }: Journey & { newer: SchemaSummaryRow },
): Promise<Result<Migrated & { path: MigrationPath }, Finding[]>> {
  const pack = await loadPack(deps, newer);
  return pack.ok ? migrateWith(pack.value, journey) : pack;
}

/** The same with the newer one's pack at hand. Of the two schema versions the newer one's pack holds the whole chain. */
export function migrateWith(
  pack: ReadyPack,
  { from, to, configData, inputs }: Journey,
): Result<Migrated & { path: MigrationPath }, Finding[]> {
  const migrations = packMigrations(pack.compiled.pack);
  if (!migrations.ok) return migrations;
  const path = migrationPath(
    migrations.value.map(({ migration }) => migration),
    { from, to },
  );
  const migrated = migrate(path, configData, inputs);
  return migrated.ok ? ok({ ...migrated.value, path }) : migrated;
}
