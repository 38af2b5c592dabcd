import { compileDecisionSchema } from "#core/decision-schema.ts";
import type { JsonObject } from "#core/json.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { schemaStore } from "#store/schema-store.ts";

/**
 * A schema version as saves need it, from the isolate's memory or else from D1. Null where the registry has none. The
 * `status` may be as old as the isolate: whoever chooses a version *anew* must take it from the candidates it just read.
 */
export async function loadSchema(
  deps: Pick<Deps, "db" | "caches">,
  pack: string,
  version: string,
): Promise<ReadySchema | null> {
  const key = `${pack}/${version}`;
  const known = deps.caches.schemas.get(key);
  if (known) return known;
  const row = await schemaStore.selectOne.first(deps.db, { pack, version });
  if (!row) return null;
  const compiled = compileDecisionSchema(JSON.parse(row.config_schema) as JsonObject);
  if (!compiled.ok) return null;
  const schema: ReadySchema = {
    pack,
    version,
    status: row.status,
    packDigest: row.pack_digest,
    podman: { min: row.podman_min, max: row.podman_max },
    schema: compiled.value,
  };
  deps.caches.schemas.set(key, schema);
  return schema;
}
