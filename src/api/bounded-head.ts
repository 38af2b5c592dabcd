import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";

/** Holds the address and the headers to their limits, before anything reads them. Sizes are names and values together. */
export const boundedHead = createMiddleware<ApiEnv>(async (c, next) => {
  const limit = LIMITS.url_chars_max.value;
  const { pathname, search } = new URL(c.req.url);
  if (pathname.length + search.length > limit) throw AppError.of("url_too_long", { limit });
  let count = 0;
  let bytes = 0;
  for (const [name, value] of c.req.raw.headers) {
    count++;
    bytes += name.length + value.length;
  }
  if (count > LIMITS.headers_max.value)
    throw AppError.of("headers_too_large", { limit: `${LIMITS.headers_max.value} headers` });
  if (bytes > LIMITS.header_bytes_max.value)
    throw AppError.of("headers_too_large", { limit: `${LIMITS.header_bytes_max.value} bytes` });
  return next();
});
