import { AppError } from "#core/errors.ts";
import {
  type Caller,
  type Permission,
  type Principal,
  type PrincipalRefusal,
  decidePrincipal,
} from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { principalStore } from "#store/principal-store.ts";

/**
 * Authenticates a caller and reads what they asked for in one round trip: the token's epoch, the device and the
 * membership are checked by the same batch that reads, so a revocation holds from the next request on and costs nothing.
 * Nothing of what was read is given out before the check.
 */
export async function readAs(
  { db }: Pick<Deps, "db">,
  { caller, permission }: { caller: Caller; permission: Permission },
  reads: D1PreparedStatement[] = [],
): Promise<{ principal: Principal; results: D1Result[] }> {
  const identity = principalStore.select.bind(db, {
    user_uuid: caller.userUuid,
    device_id: caller.deviceId,
    workspace_id: caller.workspaceId,
  });
  const [row, ...results] = await db.batch([identity, ...reads]);
  const decision = decidePrincipal(caller, principalStore.select.rows(row)[0] ?? null, permission);
  if (!decision.ok) throw refusal(decision.error, permission);
  return { principal: decision.value, results };
}

/** What the caller is told. A workspace they are no member of looks as if their token were for nobody. */
export function refusal(reason: PrincipalRefusal, permission: Permission): AppError {
  switch (reason) {
    case "forbidden":
      return AppError.of("insufficient_permissions", { scope: permission });
    case "revoked":
    case "unknown_device":
      return AppError.of("invalid_token", { detail: "it was revoked" });
    case "unknown_user":
    case "not_a_member":
      return AppError.of("invalid_token", { detail: "its account is not known here" });
  }
}
