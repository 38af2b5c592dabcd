import { asVersion, commitPlanned } from "#actions/commit-planned.ts";
import { idempotentRequest, replayed, selectKey } from "#actions/idempotency.ts";
import { planReturn } from "#actions/plan-return.ts";
import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { versionStore } from "#store/version-store.ts";

type Restore = {
  name: Name;
  /** Which deleted one, where several had the name; else the only one. */
  configId: string | null;
  key: string | undefined;
  cliVersion: string | null;
};

/**
 * Brings a deleted configuration back under its name by a new version with its last content: devices get it in the order of
 * everything else. Refused while another one has the name. Of two at once, one restores and the other is refused.
 */
export async function restoreConfiguration(deps: Deps, caller: Caller, restore: Restore): Promise<SavedVersion> {
  const { db } = deps;
  const { name, configId, key, cliVersion } = restore;
  const route = `${caller.workspaceId} POST /configurations/${name.deployment_name}/restore?namespace=${name.namespace}`;
  const request = await idempotentRequest(route, key, { config_id: configId });
  const of = { workspace_id: caller.workspaceId, ...name };
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(db, of),
    configurationStore.selectDeletedByName.bind(db, of),
    selectKey(db, caller.actor, request),
  ]);
  const first = await replayed(deps, principal, { request, row: idempotencyStore.select.rows(results[2])[0] });
  if (first) return { version: first, pruned: [], warnings: [], unchanged: false };
  if (configurationStore.selectByName.rows(results[0]).length > 0)
    throw AppError.of("deployment_name_taken", { name: name.deployment_name });
  const deleted = configurationStore.selectDeletedByName.rows(results[1]).map(configurationStore.fromRow);
  const configuration = chooseDeleted(deleted, { name, configId });
  if (configuration.purgedAt !== null) throw AppError.of("configuration_purged", { name: name.deployment_name });

  const row = await versionStore.selectByNumber.first(db, {
    workspace_id: principal.workspaceId,
    version: configuration.version,
  });
  if (!row) throw AppError.of("version_not_found", { version: configuration.version });
  const back = await planReturn(deps, configuration, { target: versionStore.fromRow(row), origin: "restore" });
  const planned = back.kind === "decisions" ? asVersion(back.planned) : back.planned;
  const saved = await commitPlanned(deps, principal, { configuration, planned, request, cliVersion });
  // somebody took the name, restored it or purged it since it was read
  if (!saved) throw AppError.of("write_contended", {});
  return saved;
}

/** The deleted configuration that is meant; several of one name must be told apart. */
export function chooseDeleted(
  deleted: readonly Configuration[],
  { name, configId }: { name: Name; configId: string | null },
): Configuration {
  const candidates = configId === null ? deleted.filter(({ purgedAt }) => purgedAt === null) : deleted;
  const [chosen, ...others] = candidates.filter(({ id }) => configId === null || id === configId);
  if (!chosen) {
    if (configId === null && deleted.length > 0)
      throw AppError.of("configuration_purged", { name: name.deployment_name });
    throw AppError.of("configuration_not_found", { name: name.deployment_name });
  }
  if (others.length === 0) return chosen;
  const details = candidates.map(({ id, version, deletedAt }) => ({ config_id: id, version, deleted_at: deletedAt }));
  throw AppError.of("configuration_ambiguous", { name: name.deployment_name, count: candidates.length }, { details });
}
