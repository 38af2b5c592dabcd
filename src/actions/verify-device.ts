import { listTailnet } from "#actions/ask-tailscale.ts";
import { AppError } from "#core/errors.ts";
import { canonicalJson } from "#core/json.ts";
import { type TailscaleClaims, type VerifiedDevice, verifyClaims } from "#core/tailscale.ts";
import type { Deps } from "#deps.ts";

/** Document 000 and the Go client's facts: a positive answer may be kept for five minutes, a refusal never is. */
const VERIFICATION_SECONDS = 300;

export type Verification = {
  device: VerifiedDevice;
  /** Whether knowing the ids is enough here: a tailnet of one person, or the operator said so. */
  claimsSuffice: boolean;
};

/** What Tailscale confirms of the claims: that such a device exists and whose it is, not that the caller is it. */
export async function verifyDevice(deps: Deps, claims: TailscaleClaims): Promise<Verification> {
  const { settings, caches, clock } = deps;
  const tailnet = Object.hasOwn(settings.TAILSCALE_TAILNETS, claims.tailnet)
    ? settings.TAILSCALE_TAILNETS[claims.tailnet]
    : undefined;
  if (!tailnet) throw AppError.of("tailnet_not_configured", { tailnet: claims.tailnet });
  const key = canonicalJson(claims);
  const now = clock.now();
  const known = caches.verifications.get(key);
  const device =
    known && known.untilMs > now.getTime()
      ? known.device
      : await ask(deps, claims, { name: claims.tailnet, settings: tailnet });
  return { device, claimsSuffice: device.isOnlyPerson || tailnet.trust_claims };
}

async function ask(
  deps: Deps,
  claims: TailscaleClaims,
  tailnet: Parameters<typeof listTailnet>[1],
): Promise<VerifiedDevice> {
  const lists = await listTailnet(deps, tailnet);
  const now = deps.clock.now();
  const verified = verifyClaims(claims, lists, now);
  if (!verified.ok) throw AppError.of(verified.error, {});
  const { expiresAt } = verified.value;
  const untilMs = Math.min(now.getTime() + VERIFICATION_SECONDS * 1000, expiresAt?.getTime() ?? Infinity);
  deps.caches.verifications.set(canonicalJson(claims), { device: verified.value, untilMs });
  return verified.value;
}
