import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import { chooseDeleted } from "#actions/restore-configuration.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { type PurgeRow, purgeStore } from "#store/purge-store.ts";

const FAILURE = JSON.stringify({
  code: "purged",
  message: "The configuration was purged before this version was rendered.",
  findings: [],
});

/**
 * Erases the content of a deleted configuration for good: decisions and summaries in the same batch as the purge's own row and
 * its audit row, files in R2 and copies in KV by the sweep, which resumes until nothing is left. Numbers, authors, times,
 * digests and the audit log stay. Repeated, it answers the first purge. Locked backups expire by themselves.
 */
export async function purgeConfiguration(
  deps: Deps,
  caller: Caller,
  { name, configId }: { name: Name; configId: string | null },
): Promise<PurgeRow> {
  const { db, ids, clock } = deps;
  const of = { workspace_id: caller.workspaceId, ...name };
  const { principal, results } = await readAs(deps, { caller, permission: "config:purge" }, [
    configurationStore.selectByName.bind(db, of),
    configurationStore.selectDeletedByName.bind(db, of),
  ]);
  const deleted = configurationStore.selectDeletedByName.rows(results[1]).map(configurationStore.fromRow);
  const alive = configurationStore.selectByName.rows(results[0])[0];
  if (alive && (configId === null ? deleted.length === 0 : alive.id === configId))
    throw AppError.of("configuration_not_deleted", { name: name.deployment_name });
  const already = deleted.filter(({ purgedAt }) => purgedAt !== null);
  const [only] = already;
  // a repeat, without saying which one: there is nothing left that it could mean instead
  const isRepeat = configId === null && only !== undefined && already.length === deleted.length;
  const configuration = isRepeat ? only : chooseDeleted(deleted, { name, configId });

  const now = toInstant(clock.now());
  const purge = { purge_id: ids.uuid(), workspace_id: principal.workspaceId };
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: "configuration.purged" as const,
    target: `configuration:${configuration.id}`,
    payload: { purge_id: purge.purge_id, version: configuration.version },
  };
  const batch = await db.batch([
    purgeStore.insert.bind(db, {
      id: purge.purge_id,
      workspace_id: principal.workspaceId,
      config_id: configuration.id,
      requested_by: principal.actor,
      requested_at: now,
    }),
    ...purgeStore.erase(db, { ...purge, failure: FAILURE, now }),
    await auditStore.forPurge(db, entry, purge.purge_id),
    purgeStore.selectByConfig.bind(db, { workspace_id: principal.workspaceId, config_id: configuration.id }),
  ]);
  const row = purgeStore.selectByConfig.rows(batch.at(-1))[0];
  // somebody restored it since it was read
  if (!row) throw AppError.of("configuration_not_deleted", { name: name.deployment_name });
  return row;
}

/** How far a purge is. */
export async function readPurge(deps: Deps, caller: Caller, configId: string): Promise<PurgeRow> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    purgeStore.selectByConfig.bind(deps.db, { workspace_id: caller.workspaceId, config_id: configId }),
  ]);
  const row = purgeStore.selectByConfig.rows(results[0])[0];
  if (!row) throw AppError.of("purge_not_found", { id: configId });
  return row;
}
