import type { DeviceIds, SignInRound } from "#actions/sign-in-attempt.ts";
import { NONCE_SECONDS } from "#core/nonce.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { SignInVerdict } from "#core/sign-in-decision.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type DeviceRequestRow, deviceRequestStore } from "#store/device-request-store.ts";
import { guardStore } from "#store/guard-store.ts";
import { type OneTimeCodeRow, oneTimeCodeStore } from "#store/one-time-code-store.ts";
import { proofStore } from "#store/proof-store.ts";
import { type AccountRow, userStore } from "#store/user-store.ts";

type Decided = {
  round: SignInRound;
  ids: DeviceIds;
  account: AccountRow;
  request: DeviceRequestRow | null;
  code: OneTimeCodeRow | null;
  verdict: SignInVerdict;
};

/**
 * What an accepted sign-in writes: guards first (the account, the code and the approval are still as they were read, the
 * proof is new), then user, personal workspace, device and audit row. The last statement reads the result back.
 */
export async function signInBatch(deps: Deps, decided: Decided): Promise<D1PreparedStatement[]> {
  const { db, clock } = deps;
  const { round, ids, verdict } = decided;
  const { claims, cliVersion } = round.attempt;
  const { device } = round.verification;
  const now = toInstant(clock.now());
  const by = verdict.kind === "known_key" ? "known_key" : verdict.by;
  const entry = {
    id: deps.ids.uuid(),
    workspaceId: ids.user_uuid,
    at: now,
    actor: `user:${ids.user_uuid}`,
    action: verdict.kind === "enrol" ? ("device.enrolled" as const) : ("device.signed_in" as const),
    target: `device:${ids.device_id}`,
    payload: { tailnet: claims.tailnet, by, ...(verdict.kind !== "unbound" && { key: verdict.thumbprint }) },
  };
  return [
    ...guards(deps, decided, now),
    ...userStore.signIn(db, {
      ...ids,
      tailscale_user_id: device.userId,
      tailscale_email: device.login,
      tailnet: claims.tailnet,
      display_name: device.displayName,
      device_hostname: device.hostname,
      cli_version: cliVersion,
      key_thumbprint: verdict.kind === "unbound" ? null : verdict.thumbprint,
      now,
    }),
    await auditStore.always(db, entry),
    userStore.selectSignedIn.bind(db, ids),
  ];
}

/** What ends the batch where something was used twice or changed in between; and what is used up by it. */
function guards({ db, clock, ids: idSource }: Deps, decided: Decided, now: string): D1PreparedStatement[] {
  const { round, ids, account, request, code, verdict } = decided;
  const { proof } = round.attempt;
  const statements = [guardStore.signInUnchanged.bind(db, { ...ids, state: account.state })];
  if (proof)
    statements.push(
      proofStore.insertUse.bind(db, {
        key_thumbprint: proof.thumbprint,
        jti: proof.jti,
        request_id: idSource.uuid(),
        expires_at: toInstant(secondsAfter(clock.now(), NONCE_SECONDS + 60)),
      }),
    );
  if (code && verdict.kind === "enrol" && verdict.by === code.kind)
    statements.push(
      guardStore.codeUnused.bind(db, { id: code.id }),
      oneTimeCodeStore.markUsed.bind(db, { id: code.id, now }),
    );
  if (request && verdict.kind !== "known_key" && verdict.by === "approval") {
    const of = { id: request.id, user_uuid: ids.user_uuid };
    statements.push(
      guardStore.requestIs.bind(db, { ...of, state: "approved", now }),
      deviceRequestStore.markUsed.bind(db, of),
    );
  }
  return statements;
}
