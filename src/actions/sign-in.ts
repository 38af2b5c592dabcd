import { z } from "zod";
import { limitFailedSignIn, limitSignIn } from "#actions/limit-sign-ins.ts";
import { AppError } from "#core/errors.ts";
import { userUuid } from "#core/identity.ts";
import { causeText } from "#core/log.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { type TailscaleClaims, TailscaleDevice, TailscaleUser, verifyClaims } from "#core/tailscale.ts";
import { TOKEN_SECONDS, mintToken } from "#core/token.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type UserRow, putUserRecord, userStore } from "#store/user-store.ts";

export type SignedIn = { token: string; expiresInSeconds: number; user: UserRow };

const Devices = z.object({ devices: z.array(TailscaleDevice) });
const Users = z.object({ users: z.array(TailscaleUser) });

/**
 * Signs a device in by its Tailscale identity (document 000's POST /auth/cli). Nothing is stored before both APIs have
 * confirmed the claims; user, personal workspace, device and audit row are then one batch.
 */
export async function signIn(
  deps: Deps,
  { claims, cliVersion, address }: { claims: TailscaleClaims; cliVersion: string | null; address: string },
): Promise<SignedIn> {
  const { settings, clock, ids, db } = deps;
  const tailnet = Object.hasOwn(settings.TAILSCALE_TAILNETS, claims.tailnet)
    ? settings.TAILSCALE_TAILNETS[claims.tailnet]
    : undefined;
  if (!tailnet) throw AppError.of("tailnet_not_configured", { tailnet: claims.tailnet });
  const path = `/api/v2/tailnet/${encodeURIComponent(claims.tailnet)}`;
  const [{ devices }, { users }] = await Promise.all([
    askTailscale(deps, { path: `${path}/devices`, apiKey: tailnet.api_key, shape: Devices }),
    askTailscale(deps, { path: `${path}/users`, apiKey: tailnet.api_key, shape: Users }),
  ]);
  const now = clock.now();
  const verified = verifyClaims(claims, { devices, users, trustClaims: tailnet.trust_claims }, now);
  if (!verified.ok) {
    deps.log("signin.refused", { code: verified.error.code });
    await limitFailedSignIn(deps, { address, tailnet: claims.tailnet, deviceId: claims.device_id });
    throw verified.error.code === "device_key_required"
      ? AppError.of("device_key_required", {})
      : AppError.of("tailscale_verification_failed", { detail: verified.error.detail });
  }
  const user_uuid = userUuid(verified.value.userId);
  const owned = devices.filter(({ user }) => user === verified.value.login).length;
  await limitSignIn(deps, { userUuid: user_uuid, devicesOwned: owned });
  const at = toInstant(now);
  const entry = {
    id: ids.uuid(),
    workspaceId: user_uuid,
    at,
    actor: `user:${user_uuid}`,
    action: "device.signed_in" as const,
    target: `device:${verified.value.deviceId}`,
    payload: { tailnet: claims.tailnet },
  };
  const results = await db.batch([
    ...userStore.signIn(db, {
      user_uuid,
      tailscale_user_id: verified.value.userId,
      tailscale_email: verified.value.login,
      tailnet: claims.tailnet,
      display_name: verified.value.displayName,
      device_id: verified.value.deviceId,
      device_hostname: verified.value.hostname,
      cli_version: cliVersion,
      now: at,
    }),
    await auditStore.always(db, entry),
    userStore.selectSignedIn.bind(db, { user_uuid, device_id: verified.value.deviceId }),
  ]);
  const user = userStore.selectSignedIn.rows(results.at(-1))[0];
  if (!user) throw AppError.of("storage_unavailable", {});
  deps.after(
    putUserRecord(deps.users, user).catch((cause: unknown) => deps.log("cache.missed", { cause: causeText(cause) })),
  );

  const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now };
  const token = await mintToken(context, {
    sub: user_uuid,
    dev: verified.value.deviceId,
    te: user.device_token_epoch,
    ue: user.token_epoch,
    scope: "cli",
    jti: ids.uuid(),
  });
  return { token, expiresInSeconds: TOKEN_SECONDS, user };
}

async function askTailscale<T extends z.ZodType>(
  { http, settings, log }: Deps,
  { path, apiKey, shape }: { path: string; apiKey: string; shape: T },
): Promise<z.infer<T>> {
  try {
    const response = await http(settings.TAILSCALE_API_URL + path, { headers: { authorization: `Bearer ${apiKey}` } });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`Tailscale answered ${response.status}`);
    }
    return shape.parse(await response.json());
  } catch (cause) {
    log("tailscale.failed", { path, cause: causeText(cause) });
    throw AppError.of("tailscale_unavailable", {}, { cause });
  }
}

/** At most one write per device and this long, whatever a device polls. */
const LAST_SEEN_SECONDS = 300;

export async function touchDevice({ db, clock }: Deps, of: { userUuid: string; deviceId: string }): Promise<void> {
  const now = clock.now();
  await userStore.touchDevice
    .bind(db, {
      user_uuid: of.userUuid,
      device_id: of.deviceId,
      now: toInstant(now),
      stale_before: toInstant(secondsAfter(now, -LAST_SEEN_SECONDS)),
    })
    .run();
}

export const isStale = (lastSeen: string, now: Date) => lastSeen < toInstant(secondsAfter(now, -LAST_SEEN_SECONDS));
