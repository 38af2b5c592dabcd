import { requireBound } from "#actions/decide-device.ts";
import { readAs } from "#actions/read-as.ts";
import { ENROLMENT_CODE_SECONDS, RECOVERY_CODES, hashCode, randomCode } from "#core/one-time-code.ts";
import type { DeviceCaller } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { oneTimeCodeStore } from "#store/one-time-code-store.ts";

/** Ten new recovery codes in place of the old ones. This answer is the only place where they are ever readable. */
export async function makeRecoveryCodes(deps: Deps, caller: DeviceCaller): Promise<string[]> {
  requireBound(caller);
  const { db, clock, ids } = deps;
  const { principal } = await readAs(deps, { caller, permission: "account:manage" });
  const codes = Array.from({ length: RECOVERY_CODES }, randomCode);
  const hashed = await Promise.all(codes.map(async (code) => ({ id: ids.uuid(), hash: await hashCode(code) })));
  const now = toInstant(clock.now());
  const of = { user_uuid: principal.userUuid };
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.userUuid,
    at: now,
    actor: principal.actor,
    action: "recovery_codes.made" as const,
    target: `user:${principal.userUuid}`,
    payload: { count: codes.length, from: principal.deviceId },
  };
  await db.batch([
    oneTimeCodeStore.endRecovery.bind(db, of),
    oneTimeCodeStore.insertRecovery.bind(db, {
      ...of,
      codes: JSON.stringify(hashed),
      created_by: principal.actor,
      now,
    }),
    await auditStore.always(db, entry),
  ]);
  return codes;
}

/** An operator's word that whoever brings this code is `login`: for a first key, or when all keys are lost. */
export async function makeEnrolmentCode(
  deps: Deps,
  caller: DeviceCaller,
  login: string,
): Promise<{ code: string; expiresAt: string }> {
  const { db, clock, ids } = deps;
  const { principal } = await readAs(deps, { caller, permission: "operator" });
  const code = randomCode();
  const id = ids.uuid();
  const now = toInstant(clock.now());
  const expiresAt = toInstant(secondsAfter(clock.now(), ENROLMENT_CODE_SECONDS));
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at: now,
    actor: principal.actor,
    action: "enrolment_code.made" as const,
    target: `code:${id}`,
    payload: { login, expires_at: expiresAt },
  };
  await db.batch([
    oneTimeCodeStore.insertEnrolment.bind(db, {
      id,
      code_hash: await hashCode(code),
      login,
      created_by: principal.actor,
      now,
      expires_at: expiresAt,
    }),
    await auditStore.always(db, entry),
  ]);
  return { code, expiresAt };
}
