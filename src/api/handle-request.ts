import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { routePath } from "hono/route";
import type { ApiEnv } from "#api/context.ts";
import { budgetHeaders } from "#api/limit-requests.ts";
import { AppError } from "#core/errors.ts";
import type { Budget } from "#core/rate-limits.ts";
import { SettingsError } from "#core/settings.ts";
import type { Deps } from "#deps.ts";

export type DepsFrom = (env: Env, after: (work: Promise<unknown>) => void) => Deps;

/** Gives a request its dependencies, its answer what is left of the limits that it took, and the log its one line. */
export const handleRequest = (depsFrom: DepsFrom) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    const budgets: Budget[] = [];
    c.set("deps", { ...configured(c, depsFrom), onBudget: (budget) => void budgets.push(budget) });
    const { log, clock } = c.get("deps");
    const startedAt = clock.now();
    await next();
    for (const [name, value] of Object.entries(budgetHeaders(budgets))) c.header(name, value);
    log("request.handled", {
      request_id: c.get("requestId"),
      method: c.req.method,
      path: routePath(c, -1),
      status: c.res.status,
      duration_ms: clock.now().getTime() - startedAt.getTime(),
    });
  });

function configured(c: Context<ApiEnv>, depsFrom: DepsFrom): Deps {
  try {
    return depsFrom(c.env, (work) => c.executionCtx.waitUntil(work));
  } catch (cause) {
    if (cause instanceof SettingsError) throw AppError.of("not_configured", { names: cause.message }, { cause });
    throw cause;
  }
}
