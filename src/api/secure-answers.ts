import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "#api/context.ts";

/** An answer of the API is data: a browser that is made to open it may run, load, frame and submit nothing. */
const DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: Record<string, string> = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Two years, as browsers' preload lists ask for; not on this machine, where there is no TLS. */
const STRICT_TRANSPORT = "max-age=63072000; includeSubDomains";

/**
 * What every answer carries, refusals and failures included: it stands outside everything else. A page that needs more
 * than data (`/docs`) sets its own policy, which stays.
 */
export const secureAnswers = createMiddleware<ApiEnv>(async (c, next) => {
  c.set("requestId", c.req.header("cf-ray") ?? crypto.randomUUID());
  await next();
  // a refusal may have come before the body was read: the connection is of use again once it is cancelled
  if (c.req.raw.body?.locked === false && !c.req.raw.bodyUsed) await c.req.raw.body.cancel();
  c.header("x-request-id", c.get("requestId"));
  for (const [name, value] of Object.entries(HEADERS)) c.header(name, value);
  if (c.env.ENVIRONMENT !== "local") c.header("strict-transport-security", STRICT_TRANSPORT);
  if (!c.res.headers.has("content-security-policy")) c.header("content-security-policy", DATA_POLICY);
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
});
