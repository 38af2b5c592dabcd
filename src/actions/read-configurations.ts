import { readAs } from "#actions/read-as.ts";
import { prepareWith } from "#core/decisions.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { loadSchema } from "#registry/load-schema.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

export type Name = { namespace: string; deployment_name: string };

/** The configuration, and warnings about decisions that are deprecated by its schema and set all the same. */
export async function readConfiguration(
  deps: Deps,
  caller: Caller,
  name: Name,
): Promise<{ configuration: Configuration; warnings: Finding[] }> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectByName.bind(deps.db, { workspace_id: caller.workspaceId, ...name }),
  ]);
  const row = configurationStore.selectByName.rows(results[0])[0];
  if (!row) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const configuration = configurationStore.fromRow(row);
  const { pack, schemaVersion, configData } = configuration;
  const schema = pack !== null && schemaVersion !== null ? await loadSchema(deps, pack, schemaVersion) : null;
  const prepared = schema && prepareWith(schema.schema, configData);
  return { configuration, warnings: prepared?.ok === true ? prepared.value.warnings : [] };
}

/** A page of the deleted ones, newest deletion first. */
export async function listDeleted(
  deps: Deps,
  caller: Caller,
  { before, limit }: { before: Deletion | null; limit: number },
): Promise<{ items: Configuration[]; next: Deletion | null }> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectDeletedPage.bind(deps.db, {
      workspace_id: caller.workspaceId,
      before_deleted_at: before?.deletedAt ?? "9999",
      before_version: before?.version ?? 0,
      limit: limit + 1,
    }),
  ]);
  const rows = configurationStore.selectDeletedPage.rows(results[0]);
  const items = rows.slice(0, limit).map(configurationStore.fromRow);
  const last = items.at(-1);
  const isMore = rows.length > limit && last?.deletedAt;
  return { items, next: isMore ? { deletedAt: isMore, version: last.version } : null };
}

/** Where a page of deletions ended. */
type Deletion = { deletedAt: string; version: number };

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
      generator_id: caller.kind === "generator" ? caller.generatorId : null,
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

export type HistoryVersion = Version & {
  devices: { device_id: string; device_hostname: string; deployment_status: string }[];
};

/** Devices named in one page of a history; a fleet beyond it is what GET /deployments is for. */
const DEVICES_SHOWN_MAX = 500;

/** A page of a deployment's history, newest first, with the devices that say they are on each version. */
export async function listVersions(
  deps: Deps,
  caller: Caller,
  { name, before, limit }: { name: Name; before: number | null; limit: number },
): Promise<{ items: HistoryVersion[]; next: number | null }> {
  const of = { workspace_id: caller.workspaceId, ...name };
  const from = before ?? Number.MAX_SAFE_INTEGER;
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    configurationStore.selectByName.bind(deps.db, of),
    versionStore.selectHistoryByName.bind(deps.db, {
      ...of,
      before: from,
      limit: limit + 1,
    }),
    versionStore.selectDevices.bind(deps.db, { ...of, before: from, limit: DEVICES_SHOWN_MAX }),
  ]);
  if (configurationStore.selectByName.rows(results[0]).length === 0)
    throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const rows = versionStore.selectHistoryByName.rows(results[1]);
  const devices = Map.groupBy(versionStore.selectDevices.rows(results[2]), ({ version }) => version);
  const items = rows
    .slice(0, limit)
    .map((row) => ({ ...versionStore.fromRow(row), devices: devices.get(row.version) ?? [] }));
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
