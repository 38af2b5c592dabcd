import { statement } from "#store/statement.ts";

/** Counts over all tenants, no content. */
const select = statement<Record<string, never>, { oldest_pending: string | null; schemas_ready: number }>(
  `SELECT (SELECT MIN(created_at) FROM render_jobs WHERE state IN ('queued', 'rendering')) AS oldest_pending,
          (SELECT COUNT(*) FROM schemas WHERE status = 'ready') AS schemas_ready`,
  { crossesTenants: true },
);

export const healthStore = { select };
