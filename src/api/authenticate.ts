import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { matchedRoutes } from "hono/route";
import type { ApiEnv } from "#api/context.ts";
import { generatorCaller } from "#api/generator-caller.ts";
import { limitOf } from "#api/limit-requests.ts";
import { AppError } from "#core/errors.ts";
import { isGeneratorToken } from "#core/generator.ts";
import { type Permission, scopeHas } from "#core/permissions.ts";
import { verifyToken } from "#core/token.ts";

/** Routes that need no token: signed, public, or the way to one. Everything else does, also what does not exist. */
const OPEN_ROUTES = new Set(["/health", "/ready", "/openapi.json", "/.well-known/jwks.json", "/auth/cli"]);
const OPEN_PREFIXES = ["/docs", "/links/"];

export const isOpen = (path: string) =>
  OPEN_ROUTES.has(path) ||
  OPEN_PREFIXES.some((prefix) => path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`));

/** What each operation declares as `x-permission`, by `METHOD /path/:parameter`. */
export type DeclaredPermissions = ReadonlyMap<string, Permission>;

/**
 * Holds the token's signature, class, server, lifetime and scope, before the body is read; whether it was revoked, and
 * what the role allows, is answered by the same query that reads what the request is about (`readAs`). A team's workspace
 * is named by `x-leger-workspace`; membership is that query's too.
 */
export const authenticate = (declared: () => DeclaredPermissions) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    if (isOpen(c.req.path)) return next();
    const header = c.req.header("authorization");
    const token = /^Bearer ([^\s]+)$/i.exec(header ?? "")?.[1];
    if (token === undefined) throw AppError.of("token_missing", {});
    if (isGeneratorToken(token)) {
      c.set("caller", await generatorCaller(c, token, permissionOf(c, declared())));
      return next();
    }
    const { settings, clock } = c.get("deps");
    const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now: clock.now() };
    const claims = await verifyToken(context, token);
    if (!claims.ok) throw AppError.of("invalid_token", { detail: claims.error });
    const permission = permissionOf(c, declared());
    const { sub, dev, scope } = claims.value;
    if (!scopeHas(scope, permission)) throw AppError.of("insufficient_permissions", { scope: permission });
    c.set("caller", {
      kind: "device",
      actor: `user:${sub}`,
      workspaceId: c.req.header("x-leger-workspace") ?? sub,
      permission,
      userUuid: sub,
      deviceId: dev,
      claims: claims.value,
      limit: limitOf(c),
    });
    return next();
  });

/** The permission of the operation that will answer. Whoever has a token may learn that a route does not exist. */
function permissionOf(c: Context<ApiEnv>, declared: DeclaredPermissions): Permission {
  for (const { method, path } of matchedRoutes(c)) {
    const permission = declared.get(`${method} ${path}`);
    if (permission) return permission;
  }
  throw AppError.of("route_not_found", { path: `${c.req.method} ${c.req.path}` });
}
