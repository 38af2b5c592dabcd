import { limitExceeded } from "#actions/limit-statements.ts";
import { type DeviceIds, type SignInAttempt, askerOf } from "#actions/sign-in-attempt.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import { APPROVAL_SECONDS, approvalCode } from "#core/one-time-code.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { VerifiedDevice } from "#core/tailscale.ts";
import type { Deps } from "#deps.ts";
import { type DeviceRequestRow, deviceRequestStore } from "#store/device-request-store.ts";

type Asking = DeviceIds & { attempt: SignInAttempt; device: VerifiedDevice; known: DeviceRequestRow | null };

/** Asking again writes nothing while the row is good for this much longer. */
const FRESH_SECONDS = APPROVAL_SECONDS / 2;

/**
 * Writes down that a sign-in waits, and makes the refusal that shows its code. Asking again gives the same code. What
 * somebody with stolen claims asks for stands beside it under a code that the owner's screen does not show, and can push
 * the owner's row out but not take its place.
 */
export async function requestApproval(deps: Deps, { attempt, device, known, ...ids }: Asking): Promise<AppError> {
  const { clock, settings } = deps;
  const pending = (id: string) => approvalCode(settings.LINK_SIGNING_KEY, id);
  const isFresh = known?.state === "pending" && known.expires_at > toInstant(secondsAfter(clock.now(), FRESH_SECONDS));
  if (isFresh) return AppError.of("approval_pending", { code: await pending(known.id) });
  const { success } = await deps.shield.limit({ key: `waiting/${attempt.address}` });
  if (!success) return tooMany();
  const row = await writeRequest(deps, { attempt, device, ...ids });
  return row
    ? AppError.of("approval_pending", { code: await pending(row.id) })
    : AppError.of("storage_unavailable", {});
}

const tooMany = () => {
  const rate = { name: "requests", max: 0, seconds: 60, resetSeconds: 60 };
  return limitExceeded(rate, "sign-ins of one address that wait for approval");
};

async function writeRequest(
  deps: Deps,
  { attempt, device, ...ids }: Omit<Asking, "known">,
): Promise<DeviceRequestRow | undefined> {
  const { db, clock } = deps;
  const now = toInstant(clock.now());
  const asker = askerOf(attempt, ids);
  const results = await db.batch([
    deviceRequestStore.makeRoom.bind(db, {
      user_uuid: ids.user_uuid,
      now,
      keep: LIMITS.device_requests_max.value - 1,
    }),
    deviceRequestStore.insert.bind(db, {
      ...asker,
      id: deps.ids.uuid(),
      hostname: device.hostname,
      tailnet: attempt.claims.tailnet,
      cli_version: attempt.cliVersion,
      now,
      expires_at: toInstant(secondsAfter(clock.now(), APPROVAL_SECONDS)),
    }),
    deviceRequestStore.selectOfAsker.bind(db, { ...asker, now }),
  ]);
  return deviceRequestStore.selectOfAsker.rows(results.at(-1))[0];
}
