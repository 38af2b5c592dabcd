import type { Finding } from "#core/finding.ts";
import { type Migration, parseMigrations } from "#core/migration/migration.ts";
import type { Pack } from "#core/pack.ts";
import { type Result, ok } from "#core/result.ts";

/** A pack's migrations with the files that they stand in, in the order of the files. */
export function packMigrations(pack: Pack): Result<{ file: string; migration: Migration }[], Finding[]> {
  const files = Object.keys(pack.files).filter((path) => path.startsWith("migrations/") && path.endsWith(".json"));
  const parsed = parseMigrations(
    files.map((file, index) => ({ file, json: pack.migrations[index] ?? null, text: pack.files[file] })),
  );
  if (!parsed.ok) return parsed;
  return ok(parsed.value.map((migration, index) => ({ file: files[index] ?? "", migration })));
}
