import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import { limitExceeded } from "#actions/limit-statements.ts";
import type { ApiEnv } from "#api/context.ts";
import { ROUTE_LIMITS, type RouteLimit, SHIELDED } from "#api/route-limits.ts";
import { causeText } from "#core/log.ts";
import { type Budget, type RateLimitName, addressHolder } from "#core/rate-limits.ts";

/** The period of the binding in wrangler.toml. */
const SHIELD_SECONDS = 60;

const rowOf = (c: Context<ApiEnv>): RouteLimit =>
  ROUTE_LIMITS[`${c.req.method} ${routePath(c, -1).replaceAll(/:(\w+)/g, "{$1}")}`] ?? SHIELDED;

/** The limit that `readAs` takes for this route. */
export function limitOf(c: Context<ApiEnv>): RateLimitName | null {
  const { exact } = rowOf(c);
  return exact === "own" ? null : exact;
}

/**
 * The shield: refuses a flood before it reaches D1. Approximate and per location, so nothing relies on it; where the
 * binding itself fails, the request goes on.
 */
export const shieldRequests = createMiddleware<ApiEnv>(async (c, next) => {
  const { shield } = rowOf(c);
  if (shield !== null && !(await isLetThrough(c, shieldHolder(c, shield)))) {
    const rate = { name: "requests", max: 0, seconds: SHIELD_SECONDS, resetSeconds: SHIELD_SECONDS };
    throw limitExceeded(rate, "requests of one caller, beyond what this server bears");
  }
  return next();
});

function shieldHolder(c: Context<ApiEnv>, shield: "caller" | "address"): string {
  const caller = c.get("caller") as ApiEnv["Variables"]["caller"] | undefined;
  if (shield === "address" || caller === undefined) return addressHolder(c.req.header("cf-connecting-ip"));
  return caller.kind === "generator" ? caller.actor : `device:${caller.userUuid}/${caller.deviceId}`;
}

async function isLetThrough(c: Context<ApiEnv>, key: string): Promise<boolean> {
  const { shield, log } = c.get("deps");
  try {
    return (await shield.limit({ key })).success;
  } catch (cause) {
    log("shield.failed", { cause: causeText(cause) });
    return true;
  }
}

/**
 * What is left of the limit that is nearest to its end, on success and on 429 alike (RateLimit headers of
 * draft-ietf-httpapi-ratelimit-headers-07).
 */
export function budgetHeaders(budgets: readonly Budget[]): Record<string, string> {
  const [budget] = budgets.toSorted((a, b) => a.remaining / (a.max || 1) - b.remaining / (b.max || 1));
  if (!budget) return {};
  return {
    "ratelimit-limit": String(budget.max),
    "ratelimit-remaining": String(budget.remaining),
    "ratelimit-reset": String(budget.resetSeconds),
    "ratelimit-policy": `${budget.max};w=${budget.seconds};name="${budget.name}"`,
  };
}
