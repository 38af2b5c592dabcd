import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";

const METHODS = "GET, POST, PUT, DELETE";
const REQUEST_HEADERS =
  "authorization, content-type, dpop, idempotency-key, if-match, if-none-match, x-leger-cli-version, x-leger-workspace";
const ANSWER_HEADERS =
  "content-disposition, dpop-nonce, etag, location, ratelimit-limit, ratelimit-policy, ratelimit-remaining, ratelimit-reset, retry-after, www-authenticate, x-leger-left-out, x-request-id";
/** Seconds that a browser keeps a preflight's answer. */
const PREFLIGHT_SECONDS = 600;

/**
 * Pages of other origins may read nothing, unless the operator named the origin exactly (CORS_ORIGINS). Never with
 * cookies, and never `*`: a token belongs to the page that was given it.
 */
export const crossOrigin = createMiddleware<ApiEnv>(async (c, next) => {
  const origin = c.req.header("origin");
  if (origin === undefined) return next();
  const isAllowed = c.get("deps").settings.CORS_ORIGINS.includes(origin);
  const isPreflight = c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
  if (isPreflight && !isAllowed) throw AppError.of("origin_not_allowed", { origin: origin.slice(0, 200) });
  if (!isPreflight) await next();
  c.header("vary", "Origin", { append: true });
  if (!isAllowed) return;
  c.header("access-control-allow-origin", origin);
  if (!isPreflight) {
    c.header("access-control-expose-headers", ANSWER_HEADERS);
    return;
  }
  c.header("access-control-allow-methods", METHODS);
  c.header("access-control-allow-headers", REQUEST_HEADERS);
  c.header("access-control-max-age", String(PREFLIGHT_SECONDS));
  return c.body(null, 204);
});
