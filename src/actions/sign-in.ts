import { limitFailedSignIn, limitSignIn } from "#actions/limit-sign-ins.ts";
import { fetchIdTokenKeys } from "#actions/ask-tailscale.ts";
import { requestApproval } from "#actions/request-approval.ts";
import { type DeviceIds, type SignInAttempt, type SignInRound, askerOf } from "#actions/sign-in-attempt.ts";
import { signInBatch } from "#actions/sign-in-batch.ts";
import { type Verification, verifyDevice } from "#actions/verify-device.ts";
import { AppError } from "#core/errors.ts";
import { enrolmentAudience, verifyIdToken } from "#core/id-token.ts";
import { userUuid } from "#core/identity.ts";
import { causeText } from "#core/log.ts";
import { hashCode } from "#core/one-time-code.ts";
import { toInstant } from "#core/runtime.ts";
import { type SignInVerdict, decideSignIn } from "#core/sign-in-decision.ts";
import { TOKEN_SECONDS, mintToken } from "#core/token.ts";
import type { Deps } from "#deps.ts";
import { type DeviceRequestRow, deviceRequestStore } from "#store/device-request-store.ts";
import { isFailedGuard } from "#store/guard-store.ts";
import { type OneTimeCodeRow, oneTimeCodeStore } from "#store/one-time-code-store.ts";
import { isReplay, proofStore } from "#store/proof-store.ts";
import { type AccountRow, type UserRow, putUserRecord, userStore } from "#store/user-store.ts";

export type SignedIn = { token: string; expiresInSeconds: number; isBound: boolean; user: UserRow };

/** Each lost round means that another sign-in or a revocation of this account came first. */
const ATTEMPTS_MAX = 5;

/**
 * Signs a device in (document 000's POST /auth/cli): Tailscale says that it exists and whose it is, `decideSignIn` whether
 * that is enough. Nothing is stored of a sign-in that is refused, except that it waits for approval. What is decided on is
 * read in one round trip and guarded in the batch that writes, so that a code, an approval and a first key count once.
 */
export async function signIn(deps: Deps, attempt: SignInAttempt): Promise<SignedIn> {
  try {
    const verification = await verifyDevice(deps, attempt.claims);
    const hasIdToken = await checkIdToken(deps, attempt, verification);
    const { userId, devicesOwned } = verification.device;
    let counted: Promise<void> | undefined;
    const countOnce = () => (counted ??= limitSignIn(deps, { userUuid: userUuid(userId), devicesOwned }));
    for (let round = 1; round <= ATTEMPTS_MAX; round++) {
      const signedIn = await attemptSignIn(deps, { attempt, verification, hasIdToken }, countOnce);
      if (signedIn) return signedIn;
    }
    throw AppError.of("sign_in_contended", {});
  } catch (cause) {
    if (cause instanceof AppError) await refused(deps, attempt, cause);
    throw cause;
  }
}

/** Counts a refusal against the address, and there against the claimed device: never against the user whom it named. */
async function refused(deps: Deps, { address, claims }: SignInAttempt, { code, status }: AppError): Promise<void> {
  deps.log("signin.refused", { code });
  // waiting is no failure: counted, somebody at the same address could keep an owner's new device from showing its code
  const isNobodysFault = status === 429 || status >= 500 || code === "approval_pending";
  if (!isNobodysFault) await limitFailedSignIn(deps, { address, tailnet: claims.tailnet, deviceId: claims.device_id });
}

/** One try against the account as it is read here; null where it changed in between. */
async function attemptSignIn(deps: Deps, round: SignInRound, countOnce: () => Promise<void>): Promise<SignedIn | null> {
  const { attempt, verification } = round;
  const { device } = verification;
  const ids = { user_uuid: userUuid(device.userId), device_id: device.deviceId };
  const { account, request, code, isReplayed } = await readState(deps, round, ids);
  // asked before the limit: a proof that somebody sends again must not spend its owner's sign-ins
  if (isReplayed) throw AppError.of("proof_replayed", {});
  if (attempt.code !== null && !code) throw AppError.of("code_invalid", {});
  const decision = decideSignIn(
    { thumbprint: attempt.proof?.thumbprint ?? null, code: code?.kind ?? null, hasIdToken: round.hasIdToken },
    {
      isEnrolled: account.enrolled_at !== null,
      deviceThumbprint: account.key_thumbprint,
      request: request === null || request.state === "used" ? null : request.state,
    },
    verification.claimsSuffice,
  );
  if (!decision.ok) {
    if (decision.error === "approval_pending")
      throw await requestApproval(deps, { ...ids, attempt, device, known: request });
    throw AppError.of(decision.error, {});
  }
  await countOnce();
  const statements = await signInBatch(deps, { round, ids, account, request, code, verdict: decision.value });
  try {
    const results = await deps.db.batch(statements);
    const user = userStore.selectSignedIn.rows(results.at(-1))[0];
    if (!user) throw AppError.of("storage_unavailable", {});
    return await finish(deps, { user, deviceId: device.deviceId, verdict: decision.value });
  } catch (cause) {
    if (isFailedGuard(cause)) return null;
    if (isReplay(cause)) throw AppError.of("proof_replayed", {}, { cause });
    throw cause;
  }
}

type State = {
  account: AccountRow;
  request: DeviceRequestRow | null;
  code: OneTimeCodeRow | null;
  isReplayed: boolean;
};

async function readState({ db, clock }: Deps, { attempt, verification }: SignInRound, ids: DeviceIds): Promise<State> {
  const now = toInstant(clock.now());
  const asker = askerOf(attempt, ids);
  const code_hash = attempt.code === null ? "" : await hashCode(attempt.code);
  const [account, request, code, use] = await db.batch([
    userStore.selectAccount.bind(db, ids),
    deviceRequestStore.selectOfAsker.bind(db, { ...asker, now }),
    oneTimeCodeStore.selectUsable.bind(db, {
      code_hash,
      user_uuid: ids.user_uuid,
      login: verification.device.login,
      now,
    }),
    proofStore.selectUse.bind(db, {
      key_thumbprint: attempt.proof?.thumbprint ?? "",
      jti: attempt.proof?.jti ?? "",
      request_id: "",
    }),
  ]);
  const row = userStore.selectAccount.rows(account)[0];
  if (!row) throw AppError.of("storage_unavailable", {});
  return {
    account: row,
    request: deviceRequestStore.selectOfAsker.rows(request)[0] ?? null,
    code: oneTimeCodeStore.selectUsable.rows(code)[0] ?? null,
    isReplayed: proofStore.selectUse.rows(use).length > 0,
  };
}

/** False where none was sent. One that was sent and does not hold is a refusal, whatever else would have opened the door. */
async function checkIdToken(deps: Deps, attempt: SignInAttempt, { device }: Verification): Promise<boolean> {
  const { idToken, proof } = attempt;
  if (idToken === null) return false;
  if (!proof) throw AppError.of("id_token_invalid", { detail: "it came without a DPoP proof of the key in it" });
  const { TOKEN_ISSUER: server, TAILSCALE_ID_TOKEN_ISSUER: issuer } = deps.settings;
  const audience = enrolmentAudience({ server, nonce: proof.nonce, thumbprint: proof.thumbprint });
  const context = { issuer, keySet: await fetchIdTokenKeys(deps), now: deps.clock.now() };
  const held = await verifyIdToken(idToken, context, { audience, nodeKey: device.nodeKey, login: device.login });
  if (!held.ok) throw AppError.of("id_token_invalid", { detail: held.error });
  return true;
}

async function finish(
  deps: Deps,
  { user, deviceId, verdict }: { user: UserRow; deviceId: string; verdict: SignInVerdict },
): Promise<SignedIn> {
  const { settings, clock, ids } = deps;
  deps.after(
    putUserRecord(deps.users, user).catch((cause: unknown) => deps.log("cache.missed", { cause: causeText(cause) })),
  );
  const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now: clock.now() };
  const token = await mintToken(context, {
    sub: user.user_uuid,
    dev: deviceId,
    te: user.device_token_epoch,
    ue: user.token_epoch,
    scope: "cli",
    jti: ids.uuid(),
    ...(verdict.kind !== "unbound" && { cnf: { jkt: verdict.thumbprint } }),
  });
  return { token, expiresInSeconds: TOKEN_SECONDS, isBound: verdict.kind !== "unbound", user };
}
