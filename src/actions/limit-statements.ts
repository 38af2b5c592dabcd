import { AppError } from "#core/errors.ts";
import { RATE_LIMITS, type Rate, type RateLimitName, decideRate, slotsAt } from "#core/rate-limits.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type Take, rateLimitStore } from "#store/rate-limit-store.ts";

export type LimitDeps = Pick<Deps, "db" | "clock" | "ids" | "settings" | "onBudget">;

/** Statements for a batch, and what to do with their results: `decide` throws `rate_limit_exceeded`. `max` where SQL knew it. */
export type LimitCheck = { statements: D1PreparedStatement[]; decide: (results: D1Result[], max?: number) => void };

export type LimitRequest = {
  name: RateLimitName;
  /** Whose requests count together: `user:{uuid}`, `device:{uuid}/{id}`, `address:…`. */
  holder: string;
  cost?: number;
  /** Instead of the table's number, where it is scaled. */
  max?: number;
  /** Another statement than the plain one, made with `takeSql`: one that scales or guards in SQL. */
  take?: (db: D1Database, take: Take) => D1PreparedStatement;
  /** Instead of the plain one, where the row must also say the scaled number. */
  select?: (db: D1Database, take: Take) => D1PreparedStatement;
};

/** The limit as the operator set it. */
export const rateOf = ({ settings }: Pick<Deps, "settings">, name: RateLimitName): Rate => ({
  name,
  max: settings.RATE_LIMITS[name] ?? RATE_LIMITS[name].max,
  seconds: RATE_LIMITS[name].seconds,
});

/**
 * Takes one request of a limit inside a batch that exists anyway. The statements go together; hand their two results to
 * `decide` before anything of the batch is given out. Exact however many ask at once; a refused request writes nothing.
 * A batch whose answer was lost may have counted: then one request too many is counted, never one too few.
 */
export function limitStatements(deps: LimitDeps, request: LimitRequest): LimitCheck {
  const { db, clock, ids } = deps;
  const { name, holder, cost = 1 } = request;
  const now = clock.now();
  const table = rateOf(deps, name);
  const rate = { ...table, max: request.max ?? table.max };
  const { slot, beyond, expiresAt } = slotsAt(rate, now);
  const grantId = ids.uuid();
  const take: Take = {
    name,
    holder,
    cost,
    max: rate.max,
    slot: String(slot),
    beyond,
    grant_id: grantId,
    expires_at: toInstant(expiresAt),
  };
  return {
    statements: [
      request.take?.(db, take) ?? rateLimitStore.take.bind(db, take),
      request.select?.(db, take) ?? rateLimitStore.select.bind(db, { name, holder }),
    ],
    decide: (results, known) => {
      const row = rateLimitStore.select.rows(results.at(-1))[0] ?? null;
      const { isGranted, budget } = decideRate({ ...rate, max: known ?? row?.max ?? rate.max }, row, { grantId, now });
      deps.onBudget(budget);
      if (!isGranted) throw limitExceeded(budget, RATE_LIMITS[name].what);
    },
  };
}

/** Takes a limit in a round trip of its own, for an action that has no batch before its work. */
export async function takeLimit(deps: LimitDeps, request: LimitRequest): Promise<void> {
  const { statements, decide } = limitStatements(deps, request);
  decide(await deps.db.batch(statements));
}

/** 429 with the moment at which the oldest of what was spent comes back. */
export const limitExceeded = (budget: Rate & { resetSeconds: number }, what: string): AppError =>
  AppError.of(
    "rate_limit_exceeded",
    { max: budget.max, span: budget.seconds === 3600 ? "an hour" : `${budget.seconds} seconds`, what },
    {
      retryAfterSeconds: budget.resetSeconds,
      details: [{ limit: budget.name, max: budget.max, seconds: budget.seconds, retry_after: budget.resetSeconds }],
    },
  );
