import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import { verifyToken } from "#core/token.ts";

/** Routes that need no token: signed, public, or the way to one. Everything else does, also what does not exist. */
const OPEN_ROUTES = new Set(["/health", "/ready", "/openapi.json", "/.well-known/jwks.json", "/auth/cli"]);
const OPEN_PREFIXES = ["/docs", "/links/"];

export const isOpen = (path: string) =>
  OPEN_ROUTES.has(path) ||
  OPEN_PREFIXES.some((prefix) => path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`));

/**
 * Holds the token's signature, class, server and lifetime; whether it was revoked is answered by the same query that reads
 * what the request is about (`readAs`). A team's workspace is named by `x-leger-workspace`; membership is that query's too.
 */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  if (isOpen(c.req.path)) return next();
  const header = c.req.header("authorization");
  const token = /^Bearer ([^\s]+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) throw AppError.of("token_missing", {});
  const { settings, clock } = c.get("deps");
  const context = { keys: settings.TOKEN_SIGNING_KEYS, issuer: settings.TOKEN_ISSUER, now: clock.now() };
  const claims = await verifyToken(context, token);
  if (!claims.ok) throw AppError.of("invalid_token", { detail: claims.error });
  const { sub, dev } = claims.value;
  const workspaceId = c.req.header("x-leger-workspace") ?? sub;
  c.set("caller", { userUuid: sub, deviceId: dev, workspaceId, claims: claims.value });
  return next();
});
