import { type LimitCheck, type LimitDeps, limitStatements } from "#actions/limit-statements.ts";
import { AppError } from "#core/errors.ts";
import type { Permission } from "#core/permissions.ts";
import { type Caller, type Principal, type PrincipalRefusal, decidePrincipal } from "#core/principal.ts";
import { RATE_LIMITS } from "#core/rate-limits.ts";
import { principalStore } from "#store/principal-store.ts";
import { rateLimitStore } from "#store/rate-limit-store.ts";

/**
 * Authenticates a caller and reads what they asked for in one round trip: the token's epoch, the device and the
 * membership are checked by the same batch that reads, so a revocation holds from the next request on and costs nothing.
 * Nothing of what was read is given out before the check.
 */
export async function readAs(
  deps: LimitDeps,
  { caller, permission }: { caller: Caller; permission: Permission },
  reads: D1PreparedStatement[] = [],
): Promise<{ principal: Principal; results: D1Result[] }> {
  requireDeclared(caller, permission);
  const { db, settings } = deps;
  const limit = limitOfCaller(deps, caller);
  caller.limit = null; // once for a request, however often it reads
  const identity = principalStore.select.bind(db, {
    user_uuid: caller.userUuid,
    device_id: caller.deviceId,
    workspace_id: caller.workspaceId,
  });
  const [row, ...results] = await db.batch([identity, ...reads, ...limit.statements]);
  const decision = decidePrincipal(caller, principalStore.select.rows(row)[0] ?? null, {
    permission,
    operators: settings.OPERATOR_LOGINS,
  });
  if (!decision.ok) throw refusal(decision.error, permission);
  limit.decide(results.splice(reads.length));
  return { principal: decision.value, results };
}

/** A route that declares another permission than its action needs is a mistake of ours, found by its first test. */
export function requireDeclared(caller: Caller, permission: Permission): void {
  if (caller.permission !== permission)
    throw new TypeError(`the route declares ${caller.permission}, its action needs ${permission}`);
}

/** The route's limit, taken in the batch that authenticates: one round trip, and exact. */
function limitOfCaller(deps: LimitDeps, caller: Caller): LimitCheck {
  if (caller.limit === null) return { statements: [], decide: () => {} };
  const { userUuid, deviceId, claims } = caller;
  const holder = RATE_LIMITS[caller.limit].per === "device" ? `device:${userUuid}/${deviceId}` : `user:${userUuid}`;
  const device = { user_uuid: userUuid, device_id: deviceId, te: claims.te, ue: claims.ue };
  return limitStatements(deps, {
    name: caller.limit,
    holder,
    take: (db, take) => rateLimitStore.takeByDevice.bind(db, { ...take, ...device }),
  });
}

/** What the caller is told. A workspace they are no member of looks as if their token were for nobody. */
export function refusal(reason: PrincipalRefusal, permission: Permission): AppError {
  switch (reason) {
    case "forbidden":
    case "not_an_operator":
      return AppError.of("insufficient_permissions", { scope: permission });
    case "revoked":
    case "unknown_device":
      return AppError.of("invalid_token", { detail: "it was revoked" });
    case "unknown_user":
    case "not_a_member":
      return AppError.of("invalid_token", { detail: "its account is not known here" });
  }
}
