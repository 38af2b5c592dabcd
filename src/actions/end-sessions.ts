import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { DeviceCaller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { deviceRequestStore } from "#store/device-request-store.ts";
import { type SessionRow, sessionStore } from "#store/session-store.ts";

/**
 * Ends a session of one's own: every token of that device is refused from the next request on, its key is forgotten, and
 * what it had asked for is withdrawn. Ended twice is ended.
 */
export async function endSession(deps: Deps, caller: DeviceCaller, deviceId: string): Promise<string[]> {
  const { principal, sessions } = await ownSessions(deps, caller);
  const session = sessions.find(({ device_id }) => device_id === deviceId);
  if (!session) throw AppError.of("session_not_found", { device: deviceId });
  return end(deps, principal, session.revoked_at === null ? [session] : []);
}

/** Ends all sessions but the one that asks. */
export async function endOtherSessions(deps: Deps, caller: DeviceCaller): Promise<string[]> {
  const { principal, sessions } = await ownSessions(deps, caller);
  const others = sessions.filter(({ device_id, revoked_at }) => device_id !== caller.deviceId && revoked_at === null);
  return end(deps, principal, others);
}

async function ownSessions(
  deps: Deps,
  caller: DeviceCaller,
): Promise<{ principal: Principal; sessions: SessionRow[] }> {
  const { principal, results } = await readAs(deps, { caller, permission: "account:manage" }, [
    sessionStore.selectOwn.bind(deps.db, { user_uuid: caller.userUuid }),
  ]);
  return { principal, sessions: sessionStore.selectOwn.rows(results[0]) };
}

async function end(deps: Deps, principal: Principal, sessions: readonly SessionRow[]): Promise<string[]> {
  const { db, clock, ids } = deps;
  const now = toInstant(clock.now());
  const ended = sessions.map(({ device_id }) => device_id);
  if (ended.length === 0) return [];
  const of = { user_uuid: principal.userUuid, device_ids: JSON.stringify(ended) };
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.userUuid,
    at: now,
    actor: principal.actor,
    action: "session.ended" as const,
    target: `user:${principal.userUuid}`,
    payload: { devices: ended, from: principal.deviceId },
  };
  await db.batch([
    sessionStore.revoke.bind(db, { ...of, now }),
    deviceRequestStore.removeOfDevices.bind(db, of),
    await auditStore.always(db, entry),
  ]);
  return ended;
}
