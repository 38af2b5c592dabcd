import { z } from "zod";
import { type Permission, type Role, TokenScope, isForOperators, roleHas, scopeHas } from "#core/permissions.ts";
import type { RateLimitName } from "#core/rate-limits.ts";
import { type Result, err, ok } from "#core/result.ts";

/**
 * The payload of a device's token, as signed. `te` and `ue` are the device's and the user's token epoch when it was minted:
 * a bump revokes it. `cnf.jkt` is the thumbprint of the key that must prove each request (RFC 9449, 6.1).
 */
export const TokenClaims = z.object({
  sub: z.uuid(),
  dev: z.string().min(1).max(200),
  te: z.int().nonnegative(),
  ue: z.int().nonnegative(),
  scope: TokenScope,
  jti: z.uuid(),
  cnf: z.object({ jkt: z.string().min(1).max(100) }).optional(),
  iat: z.number(),
  exp: z.number(),
});
export type TokenClaims = z.infer<typeof TokenClaims>;

/**
 * Somebody whose token's signature holds, before the database was asked whether it still counts. A class of tokens is a
 * member of this union: `actor` names it in audit rows and idempotency keys, `permission` is what the route declared.
 */
export type Caller = DeviceCaller | GeneratorCaller;

/** A machine identity (core/generator.ts): who it is stands in the token, whether it counts in the database. */
export type GeneratorCaller = {
  kind: "generator";
  actor: string;
  workspaceId: string;
  permission: Permission;
  generatorId: string;
  tokenHash: string;
  limit: RateLimitName | null;
};

export type DeviceCaller = {
  kind: "device";
  actor: string;
  workspaceId: string;
  permission: Permission;
  userUuid: string;
  deviceId: string;
  claims: TokenClaims;
  /** The limit that this request counts against, of the route's row in api/route-limits.ts; null once it was taken. */
  limit: RateLimitName | null;
};

/** A caller of whom the database said yes, in the query that also read what they asked for. */
export type Principal = {
  /** The person; for a generator, the one who made it. */
  userUuid: string;
  /** Null for a generator. */
  deviceId: string | null;
  workspaceId: string;
  epoch: number;
  login: string;
  role: Role;
  isOperator: boolean;
  /** Path prefixes that the caller may see and write; people see all. */
  namespaces: readonly string[];
  /** Names the caller in audit rows and idempotency keys. */
  actor: string;
};

export type PrincipalRow = {
  user_uuid: string;
  login: string;
  user_token_epoch: number;
  device_token_epoch: number | null;
  revoked_at: string | null;
  key_thumbprint: string | null;
  role: Role | null;
  epoch: number | null;
};

export type PrincipalRefusal =
  | "revoked"
  | "unknown_device"
  | "unknown_user"
  | "forbidden"
  | "not_an_operator"
  | "not_a_member"
  | "expired";

/** Whether the row read for a caller still vouches for the token, and whether scope, role and operators allow it. */
export function decidePrincipal(
  caller: DeviceCaller,
  row: PrincipalRow | null,
  { permission, operators }: { permission: Permission; operators: readonly string[] },
): Result<Principal, PrincipalRefusal> {
  if (!row) return err("unknown_user");
  if (row.device_token_epoch === null) return err("unknown_device");
  const isStale = row.device_token_epoch !== caller.claims.te || row.user_token_epoch !== caller.claims.ue;
  // a token that is bound to none, or to a key that the device has no more, is of an earlier time
  const isOfOtherKey = (caller.claims.cnf?.jkt ?? null) !== row.key_thumbprint;
  if (row.revoked_at !== null || isStale || isOfOtherKey) return err("revoked");
  if (row.role === null || row.epoch === null) return err("not_a_member");
  if (!scopeHas(caller.claims.scope, permission) || !roleHas(row.role, permission)) return err("forbidden");
  const isOperator = operators.includes(row.login);
  if (isForOperators(permission) && !isOperator) return err("not_an_operator");
  return ok({
    userUuid: row.user_uuid,
    deviceId: caller.deviceId,
    workspaceId: caller.workspaceId,
    epoch: row.epoch,
    login: row.login,
    role: row.role,
    isOperator,
    namespaces: ["/"],
    actor: caller.actor,
  });
}
