import { statement } from "#store/statement.ts";

type JobKey = { config_id: string; schema_version: string };
export type UpgradeJobRow = JobKey & { workspace_id: string; pack: string; attempts: number };

/** Compare-and-set: of two with one message, one gets the row. The due time is the lease: one that dies is due again after it. */
const lease = statement<JobKey & { now: string; lease_until: string }, UpgradeJobRow>(
  `UPDATE upgrade_jobs SET attempts = attempts + 1, next_attempt_at = :lease_until, updated_at = :now
   WHERE config_id = :config_id AND schema_version = :schema_version AND state = 'queued' AND next_attempt_at <= :now
   RETURNING config_id, workspace_id, pack, schema_version, attempts`,
  { crossesTenants: true },
);

const finish = statement<JobKey & { outcome: string; now: string }>(
  `UPDATE upgrade_jobs SET state = 'done', outcome = :outcome, updated_at = :now
   WHERE config_id = :config_id AND schema_version = :schema_version AND state = 'queued'`,
  { crossesTenants: true },
);

const selectDue = statement<{ now: string; limit: number }, JobKey>(
  `SELECT config_id, schema_version FROM upgrade_jobs WHERE state = 'queued' AND next_attempt_at <= :now
   ORDER BY next_attempt_at LIMIT :limit`,
  { crossesTenants: true },
);

/**
 * Claims jobs whose message seems to be lost: due, and not touched since `before`. The claim is what keeps two sweeps from sending for
 * one job, and this one from sending each minute.
 */
const claimLost = statement<{ now: string; before: string; limit: number }, JobKey>(
  `UPDATE upgrade_jobs SET updated_at = :now
   WHERE (config_id, schema_version) IN (
     SELECT config_id, schema_version FROM upgrade_jobs
     WHERE state = 'queued' AND next_attempt_at <= :now AND updated_at <= :before
     ORDER BY next_attempt_at LIMIT :limit)
   RETURNING config_id, schema_version`,
  { crossesTenants: true },
);

export const upgradeStore = { lease, finish, selectDue, claimLost };
