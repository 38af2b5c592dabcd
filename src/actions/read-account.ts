import { readAs } from "#actions/read-as.ts";
import type { DeviceCaller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type DeviceRequestRow, deviceRequestStore } from "#store/device-request-store.ts";
import { oneTimeCodeStore } from "#store/one-time-code-store.ts";
import { type SessionRow, sessionStore } from "#store/session-store.ts";

/** What the token says, as the database confirms it. */
export async function whoAmI(deps: Deps, caller: DeviceCaller): Promise<Principal> {
  return (await readAs(deps, { caller, permission: "self:read" })).principal;
}

/** The caller's own devices, whichever workspace they ask for. A device is a session: its tokens live and die with it. */
export async function listSessions(deps: Deps, caller: DeviceCaller): Promise<SessionRow[]> {
  const { results } = await readAs(deps, { caller, permission: "account:manage" }, [
    sessionStore.selectOwn.bind(deps.db, { user_uuid: caller.userUuid }),
  ]);
  return sessionStore.selectOwn.rows(results[0]);
}

export type OwnDevices = { devices: SessionRow[]; waiting: DeviceRequestRow[]; recoveryCodesLeft: number };

/** Devices, sign-ins that wait for a decision, and how many recovery codes are left. The waiting ones' codes are not shown. */
export async function listOwnDevices(deps: Deps, caller: DeviceCaller): Promise<OwnDevices> {
  const of = { user_uuid: caller.userUuid };
  const now = toInstant(deps.clock.now());
  const { results } = await readAs(deps, { caller, permission: "account:manage" }, [
    sessionStore.selectOwn.bind(deps.db, of),
    deviceRequestStore.selectWaiting.bind(deps.db, { ...of, now }),
    oneTimeCodeStore.countRecovery.bind(deps.db, of),
  ]);
  return {
    devices: sessionStore.selectOwn.rows(results[0]),
    waiting: deviceRequestStore.selectWaiting.rows(results[1]),
    recoveryCodesLeft: oneTimeCodeStore.countRecovery.rows(results[2])[0]?.count ?? 0,
  };
}
