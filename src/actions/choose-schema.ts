import { AppError } from "#core/errors.ts";
import { isPodmanWithin } from "#core/names.ts";
import { newestFirst, newestInRange } from "#core/schema-choice.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";

/**
 * Picks the schema version of a save among the ready ones that were just read: the one asked for, else the newest that
 * the range admits. Refuses with the versions there are.
 */
export async function chooseSchema(
  deps: Deps,
  candidates: SchemaSummaryRow[],
  wish: { pack: string; version?: string | undefined; range: string },
): Promise<ReadySchema> {
  const versions = candidates.map(({ version }) => version);
  const version = wish.version ?? newestInRange(versions, wish.range);
  const known = versions.toSorted(newestFirst).slice(0, 5);
  const refuse = () =>
    AppError.of(
      "schema_version_unknown",
      { pack: wish.pack, version: version ?? `in the range ${wish.range}`, known: known.join(", ") },
      {
        details: known.map((ready) => ({ pack: wish.pack, ready_version: ready })),
      },
    );
  if (version === null || !versions.includes(version)) throw refuse();
  const schema = await loadSchema(deps, wish.pack, version);
  if (!schema) throw refuse();
  return schema;
}

export function checkPodmanTarget(schema: ReadySchema, target: string): void {
  if (isPodmanWithin(target, schema.podman)) return;
  const range =
    schema.podman.max === null ? `${schema.podman.min} and later` : `${schema.podman.min} to ${schema.podman.max}`;
  throw AppError.of("podman_target_out_of_range", { target, range });
}
