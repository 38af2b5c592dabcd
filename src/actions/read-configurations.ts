import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

export type Name = { namespace: string; deployment_name: string };

export async function readConfiguration(deps: Deps, caller: Caller, name: Name): Promise<Configuration> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectByName.bind(deps.db, { workspace_id: caller.workspaceId, ...name }),
  ]);
  const row = configurationStore.selectByName.rows(results[0])[0];
  if (!row) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  return configurationStore.fromRow(row);
}

/** A page in the order (namespace, name); `next` continues it, stable under inserts. */
export async function listConfigurations(
  deps: Deps,
  caller: Caller,
  { after, limit }: { after: Name | null; limit: number },
): Promise<{ items: Configuration[]; next: Name | null }> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectPage.bind(deps.db, {
      workspace_id: caller.workspaceId,
      after_namespace: after?.namespace ?? "",
      after_name: after?.deployment_name ?? "",
      limit: limit + 1,
    }),
  ]);
  const rows = configurationStore.selectPage.rows(results[0]);
  const items = rows.slice(0, limit).map(configurationStore.fromRow);
  const last = items.at(-1);
  return {
    items,
    next: rows.length > limit && last ? { namespace: last.namespace, deployment_name: last.deploymentName } : null,
  };
}

/** A page of a deployment's history, newest first. */
export async function listVersions(
  deps: Deps,
  caller: Caller,
  { name, before, limit }: { name: Name; before: number | null; limit: number },
): Promise<{ items: Version[]; next: number | null }> {
  const of = { workspace_id: caller.workspaceId, ...name };
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectByName.bind(deps.db, of),
    versionStore.selectHistoryByName.bind(deps.db, {
      ...of,
      before: before ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    }),
  ]);
  if (configurationStore.selectByName.rows(results[0]).length === 0)
    throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const rows = versionStore.selectHistoryByName.rows(results[1]);
  const items = rows.slice(0, limit).map(versionStore.fromRow);
  return { items, next: rows.length > limit ? (items.at(-1)?.version ?? null) : null };
}

/** One version by its number; with a name, only where it is that deployment's. */
export async function readVersion(
  deps: Deps,
  caller: Caller,
  of: { number: number; name: Name | null },
): Promise<Version> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    versionStore.selectByNumber.bind(deps.db, { workspace_id: caller.workspaceId, version: of.number }),
  ]);
  const row = versionStore.selectByNumber.rows(results[0])[0];
  const isNamed =
    of.name === null || (row?.namespace === of.name.namespace && row.deployment_name === of.name.deployment_name);
  if (!row || !isNamed) throw AppError.of("version_not_found", { version: of.number });
  return versionStore.fromRow(row);
}
