import { z } from "zod";

/** What a token may do. `legerd` reads secrets and configuration and reports; the others are a person's (document 002). */
export const TokenScope = z.enum(["user", "cli", "web", "legerd"]);
export type TokenScope = z.infer<typeof TokenScope>;

/** One thing that a route needs; the table below says which scopes have it. */
export type Permission =
  | "config:read"
  | "config:write"
  | "deployments:report"
  | "schemas:read"
  | "schemas:sync"
  | "audit:read";

const PERSON: readonly Permission[] = [
  "config:read",
  "config:write",
  "schemas:read",
  "schemas:sync",
  "audit:read",
  "deployments:report",
];
const PERMISSIONS: Record<TokenScope, readonly Permission[]> = {
  user: PERSON.filter((permission) => permission !== "deployments:report"),
  web: PERSON.filter((permission) => permission !== "deployments:report"),
  cli: PERSON,
  legerd: ["config:read", "deployments:report"],
};

/** The payload of a token, as signed. `te` is the device's token epoch when it was minted: a bump revokes it. */
export const TokenClaims = z.object({
  sub: z.uuid(),
  dev: z.string().min(1).max(200),
  te: z.int().nonnegative(),
  ue: z.int().nonnegative(),
  scope: TokenScope,
  jti: z.uuid(),
  iat: z.number(),
  exp: z.number(),
});
export type TokenClaims = z.infer<typeof TokenClaims>;

/** Somebody whose token's signature holds, before the database was asked whether it still counts. */
export type Caller = { userUuid: string; deviceId: string; workspaceId: string; claims: TokenClaims };

/** A caller of whom the database said yes, in the query that also read what they asked for. */
export type Principal = {
  userUuid: string;
  deviceId: string;
  workspaceId: string;
  epoch: number;
  login: string;
  role: "viewer" | "editor" | "publisher" | "admin";
  /** Names the caller in audit rows and idempotency keys. */
  actor: string;
};

export type PrincipalRow = {
  user_uuid: string;
  login: string;
  user_token_epoch: number;
  device_token_epoch: number | null;
  revoked_at: string | null;
  role: Principal["role"] | null;
  epoch: number | null;
};

export type PrincipalRefusal = "revoked" | "unknown_device" | "unknown_user" | "forbidden" | "not_a_member";

/** Whether the row read for a caller still vouches for the token, and whether its scope and role allow `permission`. */
export function decidePrincipal(
  caller: Caller,
  row: PrincipalRow | null,
  permission: Permission,
): { ok: true; value: Principal } | { ok: false; error: PrincipalRefusal } {
  if (!row) return { ok: false, error: "unknown_user" };
  if (row.device_token_epoch === null) return { ok: false, error: "unknown_device" };
  const isStale = row.device_token_epoch !== caller.claims.te || row.user_token_epoch !== caller.claims.ue;
  if (row.revoked_at !== null || isStale) return { ok: false, error: "revoked" };
  if (row.role === null || row.epoch === null) return { ok: false, error: "not_a_member" };
  if (!PERMISSIONS[caller.claims.scope].includes(permission)) return { ok: false, error: "forbidden" };
  if (permission === "config:write" && row.role === "viewer") return { ok: false, error: "forbidden" };
  return {
    ok: true,
    value: {
      userUuid: row.user_uuid,
      deviceId: caller.deviceId,
      workspaceId: caller.workspaceId,
      epoch: row.epoch,
      login: row.login,
      role: row.role,
      actor: `user:${row.user_uuid}`,
    },
  };
}
