import { asDevice, readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { roleHas, scopeHas } from "#core/permissions.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type DeviceRow, deviceStore } from "#store/device-store.ts";

export type DeviceFacts = {
  hostname?: string | undefined;
  podman_version?: string | undefined;
  agent_version?: string | undefined;
  labels?: Record<string, string> | undefined;
};

/**
 * Records what a device says about itself, by a token of that very device; what is left out stays. Labels select devices
 * for deployments, so they are a person's to set, on any device of their own.
 */
export async function describeDevice(
  deps: Deps,
  caller: Caller,
  { deviceId, facts }: { deviceId: string; facts: DeviceFacts },
): Promise<DeviceRow> {
  const { db, ids, clock } = deps;
  const { labels, ...own } = facts;
  const isLabelling = labels !== undefined;
  const device = asDevice(caller);
  const of = { user_uuid: device.userUuid, device_id: deviceId };
  const { principal, results } = await readAs(deps, { caller, permission: "devices:describe" }, [
    deviceStore.selectOwn.bind(db, of),
  ]);
  if (deviceStore.selectOwn.rows(results[0]).length === 0) throw AppError.of("device_not_found", { device: deviceId });
  const mayLabel = scopeHas(device.claims.scope, "config:write") && roleHas(principal.role, "config:write");
  if (isLabelling && !mayLabel) throw AppError.of("insufficient_permissions", { scope: "config:write" });
  if (Object.keys(own).length > 0 && deviceId !== device.deviceId)
    throw AppError.of("device_not_own", { device: deviceId });

  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: toInstant(clock.now()),
    actor: isLabelling ? principal.actor : `device:${deviceId}`,
    action: "device.described" as const,
    target: `device:${deviceId}`,
    payload: factsGiven(facts),
  };
  const batch = await db.batch([
    deviceStore.describe.bind(db, {
      ...of,
      hostname: facts.hostname ?? null,
      podman_version: facts.podman_version ?? null,
      agent_version: facts.agent_version ?? null,
      labels: facts.labels === undefined ? null : canonicalJson(facts.labels),
      change_id: entry.id,
    }),
    await auditStore.forDevice(db, entry, of),
    deviceStore.selectOwn.bind(db, of),
  ]);
  const row = deviceStore.selectOwn.rows(batch.at(-1))[0];
  if (!row) throw AppError.of("device_not_found", { device: deviceId });
  return row;
}

const factsGiven = (facts: DeviceFacts): JsonObject =>
  Object.fromEntries(
    Object.entries(facts).filter((fact): fact is [string, string | Record<string, string>] => fact[1] !== undefined),
  );
