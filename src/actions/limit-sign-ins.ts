import { type LimitDeps, limitExceeded, rateOf, takeLimit } from "#actions/limit-statements.ts";
import { RATE_LIMITS } from "#core/rate-limits.ts";
import type { Deps } from "#deps.ts";

/** A sign-in that succeeded counts against its user: ten in an hour, or one for each of their devices in the tailnet. */
export function limitSignIn(
  deps: LimitDeps,
  { userUuid, devicesOwned }: { userUuid: string; devicesOwned: number },
): Promise<void> {
  const max = Math.max(rateOf(deps, "authentication").max, devicesOwned);
  return takeLimit(deps, { name: "authentication", holder: `user:${userUuid}`, max });
}

/**
 * A sign-in that failed counts against the address that sent it, and there against the device that it named; never against
 * the user, whose ids every peer knows. Beyond the limit the failure is answered as 429, so it tells nothing more. This is
 * asked *after* the claims were judged, and only for those that failed: however many forge a person's sign-in, from
 * wherever, the person gets in.
 */
export async function limitFailedSignIn(
  deps: LimitDeps & Pick<Deps, "shield">,
  { address, tailnet, deviceId }: { address: string; tailnet: string; deviceId: string },
): Promise<void> {
  const { success } = await deps.shield.limit({ key: `failed/${address}` });
  if (!success)
    throw limitExceeded({ ...rateOf(deps, "failed_sign_ins"), resetSeconds: 60 }, RATE_LIMITS.failed_sign_ins.what);
  await takeLimit(deps, { name: "failed_sign_ins", holder: address });
  await takeLimit(deps, { name: "failed_sign_ins_of_device", holder: `${address}/device:${tailnet}/${deviceId}` });
}
