import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { APPROVAL_SECONDS, approvalCode, isSameCode } from "#core/one-time-code.ts";
import type { DeviceCaller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type DeviceRequestRow, deviceRequestStore } from "#store/device-request-store.ts";
import { guardStore, isFailedGuard } from "#store/guard-store.ts";

export type DeviceDecision = { code: string; decision: "approved" | "denied" };

/**
 * An enrolled device's word about a sign-in that waits, named by the code on its screen. Of two decisions at the same
 * moment one counts; the same decision twice is one.
 */
export async function decideDevice(
  deps: Deps,
  caller: DeviceCaller,
  { code, decision }: DeviceDecision,
): Promise<DeviceRequestRow> {
  requireBound(caller);
  for (;;) {
    const now = toInstant(deps.clock.now());
    const { principal, results } = await readAs(deps, { caller, permission: "account:manage" }, [
      deviceRequestStore.selectWaiting.bind(deps.db, { user_uuid: caller.userUuid, now }),
    ]);
    const request = await findByCode(deps, deviceRequestStore.selectWaiting.rows(results[0]), code);
    if (request.state === decision) return request;
    // leaves the loop at the latest when somebody else's decision is read
    if (request.state !== "pending") throw AppError.of("approval_decided", { state: request.state });
    if (await writeDecision(deps, principal, { request, decision, deviceId: caller.deviceId }))
      return { ...request, state: decision };
  }
}

async function findByCode(
  { settings }: Deps,
  requests: readonly DeviceRequestRow[],
  code: string,
): Promise<DeviceRequestRow> {
  for (const request of requests)
    if (isSameCode(code, await approvalCode(settings.LINK_SIGNING_KEY, request.id))) return request;
  throw AppError.of("approval_not_found", {});
}

type Decided = { request: DeviceRequestRow; decision: "approved" | "denied"; deviceId: string };

/** False where it is no longer pending. */
async function writeDecision(
  deps: Deps,
  principal: Principal,
  { request, decision, deviceId }: Decided,
): Promise<boolean> {
  const { db, clock, ids } = deps;
  const now = toInstant(clock.now());
  const of = { id: request.id, user_uuid: principal.userUuid };
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.userUuid,
    at: now,
    actor: principal.actor,
    action: `device.${decision}` as const,
    target: `device:${request.device_id}`,
    payload: { from: deviceId, address: request.address, key: request.key_thumbprint },
  };
  try {
    await db.batch([
      guardStore.requestIs.bind(db, { ...of, state: "pending", now }),
      deviceRequestStore.decide.bind(db, {
        ...of,
        state: decision,
        decided_by: deviceId,
        now,
        expires_at: toInstant(secondsAfter(clock.now(), APPROVAL_SECONDS)),
      }),
      await auditStore.always(db, entry),
    ]);
    return true;
  } catch (cause) {
    if (isFailedGuard(cause)) return false;
    throw cause;
  }
}

/** Whoever vouches for others has a key: a stolen token alone must not be able to. */
export function requireBound(caller: DeviceCaller): void {
  if (!caller.claims.cnf) throw AppError.of("enrolled_device_required", {});
}
