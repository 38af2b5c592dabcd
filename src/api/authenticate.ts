import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import { guardWrites } from "#actions/guard-writes.ts";
import type { ApiEnv } from "#api/context.ts";
import { generatorCaller } from "#api/generator-caller.ts";
import { limitOf } from "#api/limit-requests.ts";
import { proveKey } from "#api/prove-key.ts";
import { AppError } from "#core/errors.ts";
import { isGeneratorToken } from "#core/generator.ts";
import { type Permission, scopeHas } from "#core/permissions.ts";
import type { TokenClaims } from "#core/principal.ts";
import type { Proof } from "#core/proof.ts";
import { verifyToken } from "#core/token.ts";

/** Routes that need no token: signed, public, or the way to one. Everything else does, also what does not exist. */
const OPEN_ROUTES = new Set([
  "/health",
  "/ready",
  "/openapi.json",
  "/.well-known/jwks.json",
  "/auth/cli",
  "/webhooks/github",
]);
const OPEN_PREFIXES = ["/docs", "/links/"];

export const isOpen = (path: string) =>
  OPEN_ROUTES.has(path) ||
  OPEN_PREFIXES.some((prefix) => path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`));

/** What each operation declares as `x-permission`, by `METHOD /path/:parameter`. */
export type DeclaredPermissions = ReadonlyMap<string, Permission>;

/**
 * Holds the token's signature, class, server, lifetime and scope, and the proof of the key that it is bound to, before the
 * body is read; whether it was revoked, and what the role allows, is answered by the same query that reads what the
 * request is about (`readAs`). A team's workspace is named by `x-leger-workspace`; membership is that query's too.
 */
export const authenticate = (declared: () => DeclaredPermissions) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    if (isOpen(c.req.path)) return next();
    const [, scheme, token] = /^(Bearer|DPoP) ([^\s]+)$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (scheme === undefined || token === undefined) throw AppError.of("token_missing", {});
    if (isGeneratorToken(token)) {
      c.set("caller", await generatorCaller(c, token, permissionOf(c, declared())));
      return next();
    }
    const claims = await claimsOf(c, token);
    const proof = await proofFor(c, { scheme, token, claims });
    const permission = permissionOf(c, declared());
    if (!scopeHas(claims.scope, permission)) throw AppError.of("insufficient_permissions", { scope: permission });
    c.set("caller", {
      kind: "device",
      actor: `user:${claims.sub}`,
      workspaceId: c.req.header("x-leger-workspace") ?? claims.sub,
      permission,
      userUuid: claims.sub,
      deviceId: claims.dev,
      claims,
      limit: limitOf(c),
    });
    if (!proof || SAFE_METHODS.has(c.req.method)) return next();
    const writes = guardWrites(c.get("deps"), proof);
    c.set("deps", { ...c.get("deps"), db: writes.db });
    await next();
    if (!KEEPS_PROOF.has(c.res.status) && c.res.status < 500) await writes.settle();
  });

/** What changes nothing may be proved by the nonce alone, so that a poll writes nothing. */
const SAFE_METHODS = new Set(["GET", "HEAD"]);

/** Refusals that the same request would get again, or that come before the database knew the caller: they write nothing. */
const KEEPS_PROOF = new Set([400, 401, 403, 413, 415, 429]);

async function claimsOf(c: Context<ApiEnv>, token: string): Promise<TokenClaims> {
  const { settings, clock } = c.get("deps");
  const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now: clock.now() };
  const claims = await verifyToken(context, token);
  if (!claims.ok) throw AppError.of("invalid_token", { detail: claims.error });
  return claims.value;
}

/** A bound token comes with a proof of its key, and only so: as a bearer token it is a stolen one (RFC 9449, 7.1). */
async function proofFor(
  c: Context<ApiEnv>,
  { scheme, token, claims }: { scheme: string; token: string; claims: TokenClaims },
): Promise<Proof | null> {
  const isDpop = scheme.toLowerCase() === "dpop";
  if (!claims.cnf) {
    if (isDpop) throw AppError.of("invalid_token", { detail: "it is bound to no key; send it as Bearer" });
    return null;
  }
  const proof = isDpop ? await proveKey(c, { token, thumbprint: claims.cnf.jkt }) : null;
  if (!proof) throw AppError.of("proof_missing", {});
  return proof;
}

/** The permission of the operation that will answer. Whoever has a token may learn that a route does not exist. */
function permissionOf(c: Context<ApiEnv>, declared: DeclaredPermissions): Permission {
  for (const { method, path } of matchedRoutes(c)) {
    const permission = declared.get(`${method} ${path}`);
    if (permission) return permission;
  }
  throw AppError.of("route_not_found", { path: `${c.req.method} ${c.req.path}` });
}
