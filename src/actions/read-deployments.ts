import { readAs } from "#actions/read-as.ts";
import { isOffline, podmanFinding } from "#core/device-state.ts";
import type { Finding } from "#core/finding.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { type DeploymentRow, type EventRow, deploymentStore } from "#store/deployment-store.ts";
import { type DeviceRow, deviceStore } from "#store/device-store.ts";

export type DeploymentFilter = { namespace: string | null; deployment: string | null; device: string | null };

export type DeviceCursor = { user: string; device: string };

/** The devices of the workspace's members, in a stable order. */
export async function listDevices(
  deps: Deps,
  caller: Caller,
  { after, limit }: { after: DeviceCursor | null; limit: number },
): Promise<{ items: DeviceRow[]; next: DeviceCursor | null }> {
  const { results } = await readAs(deps, { caller, permission: "devices:read" }, [
    deviceStore.selectPage.bind(deps.db, {
      workspace_id: caller.workspaceId,
      after_user: after?.user ?? "",
      after_device: after?.device ?? "",
      limit: limit + 1,
    }),
  ]);
  const rows = deviceStore.selectPage.rows(results[0]);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { user: last.user_uuid, device: last.device_id } : null };
}

export type DeploymentView = DeploymentRow & {
  /** Derived from the last poll or report, and neutral: what the device runs, it goes on running. */
  is_offline: boolean;
  is_behind: boolean;
  findings: Finding[];
};
export type DeploymentCursor = { config: string; device: string };

/** Where each deployment stands on each device, as far as devices have proved it. */
export async function listDeployments(
  deps: Deps,
  caller: Caller,
  { filter, after, limit }: { filter: DeploymentFilter; after: DeploymentCursor | null; limit: number },
): Promise<{ items: DeploymentView[]; next: DeploymentCursor | null }> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    deploymentStore.selectPage.bind(deps.db, {
      workspace_id: caller.workspaceId,
      ...columnsOf(filter),
      after_config: after?.config ?? "",
      after_device: after?.device ?? "",
      limit: limit + 1,
    }),
  ]);
  const rows = deploymentStore.selectPage.rows(results[0]);
  const now = deps.clock.now();
  const items = rows.slice(0, limit).map((row) => viewOf(row, now));
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? { config: last.config_id, device: last.device_id } : null };
}

function viewOf(row: DeploymentRow, now: Date): DeploymentView {
  const finding =
    row.podman_target === null || row.head_version === null
      ? null
      : podmanFinding({
          hostname: row.hostname,
          podmanVersion: row.podman_version,
          podmanTarget: row.podman_target,
          deploymentName: row.deployment_name,
          version: row.head_version,
        });
  return {
    ...row,
    is_offline: isOffline(row.seen_at, now),
    is_behind: row.head_version !== null && (row.state === "assigned" || row.config_version < row.head_version),
    findings: finding ? [finding] : [],
  };
}

/** What devices reported, newest first, late reports included. */
export async function listDeploymentEvents(
  deps: Deps,
  caller: Caller,
  { filter, before, limit }: { filter: DeploymentFilter; before: number | null; limit: number },
): Promise<{ items: EventRow[]; next: number | null }> {
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    deploymentStore.selectEvents.bind(deps.db, {
      workspace_id: caller.workspaceId,
      ...columnsOf(filter),
      before: before ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    }),
  ]);
  const rows = deploymentStore.selectEvents.rows(results[0]);
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.sequence_id ?? null) : null };
}

const columnsOf = ({ namespace, deployment, device }: DeploymentFilter) => ({
  namespace,
  deployment_name: deployment,
  device_id: device,
});
