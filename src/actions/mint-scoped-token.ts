import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { type TokenScope, isNotWider } from "#core/permissions.ts";
import type { DeviceCaller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import { mintToken } from "#core/token.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";

export type ScopedToken = { token: string; scope: TokenScope; isBound: boolean; expiresAt: Date };

/**
 * A further token for the device that asks: of a scope that may do no more, bound to the same key, ending no later, and
 * revoked with the same device. So nothing that a token can make outlives or exceeds it.
 */
export async function mintScopedToken(
  deps: Deps,
  caller: DeviceCaller,
  { scope, deviceId }: { scope: TokenScope; deviceId: string | null },
): Promise<ScopedToken> {
  const { db, settings, clock, ids } = deps;
  const { principal } = await readAs(deps, { caller, permission: "account:manage" });
  const { claims } = caller;
  if (!isNotWider(scope, claims.scope)) throw AppError.of("token_too_wide", { asked: scope, own: claims.scope });
  if (deviceId !== null && deviceId !== caller.deviceId) throw AppError.of("token_other_device", {});
  const jti = ids.uuid();
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.userUuid,
    at: toInstant(clock.now()),
    actor: principal.actor,
    action: "token.minted" as const,
    target: `device:${caller.deviceId}`,
    payload: { scope, jti },
  };
  await db.batch([await auditStore.always(db, entry)]);
  const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now: clock.now() };
  const token = await mintToken(context, { ...claims, scope, jti });
  return { token, scope, isBound: claims.cnf !== undefined, expiresAt: new Date(claims.exp * 1000) };
}
