import type { RateLimitName } from "#core/rate-limits.ts";

/**
 * What each route counts against. Every operation that writes has a row (a test asks for it); one that only reads may have
 * one. `exact` is a row of core/rate-limits.ts, taken in the batch that authenticates (`readAs`); `own` says that the action
 * takes its limits itself. `shield` is the platform's approximate limit of requests in a minute, by caller or, where nobody
 * has said who they are, by address; reads have it alone, the poll above all, because a poll writes nothing.
 */
export type RouteLimit = { exact: RateLimitName | "own" | null; shield: "caller" | "address" | null };

/** Every route without a row, and what is no route: shielded, and not counted. */
export const SHIELDED: RouteLimit = { exact: null, shield: "caller" };
const counted = (exact: RateLimitName): RouteLimit => ({ exact, shield: "caller" });

export const ROUTE_LIMITS: Record<string, RouteLimit> = {
  // No shield before a sign-in: whoever floods from an address must not shut out others behind it.
  "POST /auth/cli": { exact: "own", shield: null },
  "GET /health": { exact: null, shield: null },
  "GET /ready": { exact: null, shield: "address" },
  "GET /.well-known/jwks.json": { exact: null, shield: null },
  "GET /links/{workspace}/{version}/{file}": { exact: null, shield: "address" },

  "POST /configurations": counted("saves"),
  "PUT /configurations/{name}": counted("saves"),
  "DELETE /configurations/{name}": counted("saves"),
  "POST /configurations/{name}/preview": counted("previews"),
  "POST /configurations/{name}/rollback": counted("saves"),
  "POST /configurations/{name}/restore": counted("saves"),
  "POST /configurations/{name}/purge": counted("saves"),
  "POST /configurations/{name}/rollback/preview": counted("previews"),

  "GET /secrets/list": counted("secret_lists"),
  "GET /secrets/get/{name}": counted("secret_reads"),
  "POST /secrets/set": counted("secret_changes"),
  "POST /secrets/generate": counted("secret_changes"),
  "DELETE /secrets/{name}": counted("secret_changes"),
  "POST /secrets/{name}/undelete": counted("secret_changes"),
  "POST /secrets/{name}/purge": counted("secret_changes"),

  "POST /config/upload": counted("uploads"),
  "POST /config/upload/preview": counted("uploads"),
  "POST /config/{version}/links": counted("links"),
  "POST /renders/{version}/retry": counted("retries"),
  "POST /auth/devices": counted("device_changes"),
  "POST /auth/tokens": counted("device_changes"),
  "POST /auth/recovery-codes": counted("device_changes"),
  "POST /auth/enrolment-codes": counted("device_changes"),
  "DELETE /auth/sessions": counted("device_changes"),
  "DELETE /auth/sessions/{id}": counted("device_changes"),
  "PUT /devices/{id}": counted("device_changes"),
  "POST /deployments/report": counted("reports"),
  "POST /generators": counted("generator_changes"),
  "POST /generators/{id}/rotate": counted("generator_changes"),
  "DELETE /generators/{id}": counted("generator_changes"),
  "POST /generators/{id}/restore": counted("generator_changes"),
  "POST /schemas/sync": SHIELDED,
  "POST /schemas/preview": counted("impacts"),
  "POST /schemas/{version}/impact": counted("impacts"),
  "POST /proposals/{id}/accept": counted("saves"),
  "POST /proposals/{id}/dismiss": counted("saves"),
  "POST /operations/key-rotations": SHIELDED,
  // GitHub sends from few addresses, and what is not signed costs one HMAC
  "POST /webhooks/github": { exact: null, shield: null },
};
