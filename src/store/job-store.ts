import { CRASHES_MAX } from "#core/render-job.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";
import { statement } from "#store/statement.ts";

export type LeasedJob = { version_id: string; workspace_id: string; version: number; attempts: number; faults: number };

const insert = statement<{ version_id: string; workspace_id: string; now: string }>(
  `INSERT INTO render_jobs (version_id, config_id, workspace_id, version, state, next_attempt_at, created_at, updated_at)
   SELECT id, config_id, workspace_id, version, 'queued', :now, :now, :now FROM configuration_versions
   WHERE id = :version_id AND workspace_id = :workspace_id
   ON CONFLICT (version_id) DO NOTHING`,
);

const isDue = `((state = 'queued' AND next_attempt_at <= :now) OR (state = 'rendering' AND lease_until <= :now))`;

const selectCrashed = statement<{ version_id: string; now: string }, { version_id: string }>(
  `SELECT version_id FROM render_jobs WHERE version_id = :version_id AND attempts - faults >= ${CRASHES_MAX} AND ${isDue}`,
  { crossesTenants: true },
);

// A render that killed its isolate CRASHES_MAX times would do so for ever: it ends here, before anybody leases it again.
const failCrashed = statement<{ version_id: string; now: string; failure: string }>(
  `UPDATE render_jobs SET state = 'failed', failure = :failure, lease_id = NULL, lease_until = NULL, updated_at = :now
   WHERE version_id = :version_id AND attempts - faults >= ${CRASHES_MAX} AND ${isDue}`,
  { crossesTenants: true },
);

// Compare-and-set: of two consumers with one message, one gets the row and the other nothing. A lease also moves the job
// behind those that wait: the sweep takes the oldest first, and one that kills it would be the first again each time.
const lease = statement<{ version_id: string; now: string; lease_id: string; lease_until: string }, LeasedJob>(
  `UPDATE render_jobs SET state = 'rendering', attempts = attempts + 1, lease_id = :lease_id,
     lease_until = :lease_until, next_attempt_at = :lease_until, updated_at = :now
   WHERE version_id = :version_id AND attempts - faults < ${CRASHES_MAX} AND ${isDue}
   RETURNING version_id, workspace_id, version, attempts, faults`,
  { crossesTenants: true },
);

// Still ours, and for a full term from now: asked before the manifest is put, because the holder of a lease that was
// lost must not commit files that its successor may have replaced.
const renewLease = statement<
  { version_id: string; lease_id: string; lease_until: string; now: string },
  { version_id: string }
>(
  `UPDATE render_jobs SET lease_until = :lease_until
   WHERE version_id = :version_id AND lease_id = :lease_id AND state = 'rendering' AND lease_until > :now
   RETURNING version_id`,
  { crossesTenants: true },
);

const release = statement<{ version_id: string; lease_id: string; next_attempt_at: string; now: string }>(
  `UPDATE render_jobs SET state = 'queued', faults = faults + 1, lease_id = NULL, lease_until = NULL,
     next_attempt_at = :next_attempt_at, updated_at = :now
   WHERE version_id = :version_id AND lease_id = :lease_id AND state = 'rendering'`,
  { crossesTenants: true },
);

const fail = statement<{ version_id: string; lease_id: string; failure: string; now: string }>(
  `UPDATE render_jobs SET state = 'failed', failure = :failure, lease_id = NULL, lease_until = NULL, updated_at = :now
   WHERE version_id = :version_id AND lease_id = :lease_id AND state = 'rendering'`,
  { crossesTenants: true },
);

// Without the lease in its guard: the manifest in R2 is the result, whoever put it, and both would write this same row.
const finish = statement<{ version_id: string; warnings: string; now: string }>(
  `UPDATE render_jobs SET state = 'rendered', warnings = :warnings, lease_id = NULL, lease_until = NULL, updated_at = :now
   WHERE version_id = :version_id AND state IN ('queued', 'rendering')
     AND EXISTS (SELECT 1 FROM rendered_quadlets r
                 WHERE r.workspace_id = render_jobs.workspace_id AND r.version = render_jobs.version)`,
  { crossesTenants: true },
);

const requeue = statement<{ version_id: string; workspace_id: string; now: string }>(
  `UPDATE render_jobs SET state = 'queued', attempts = 0, faults = 0, failure = NULL, next_attempt_at = :now, updated_at = :now
   WHERE version_id = :version_id AND workspace_id = :workspace_id AND state = 'failed'`,
);

/** What the dead-letter consumer does: it decides nothing, it only makes the job due. */
const makeDue = statement<{ version_id: string; now: string }>(
  `UPDATE render_jobs SET next_attempt_at = :now WHERE version_id = :version_id AND state = 'queued' AND next_attempt_at > :now`,
  { crossesTenants: true },
);

/** Oldest first. `nudged_before`: jobs younger than that still have a message on its way. */
const selectDue = statement<{ now: string; nudged_before: string; limit: number }, { version_id: string }>(
  `SELECT version_id FROM render_jobs
   WHERE state IN ('queued', 'rendering') AND next_attempt_at <= :now
     AND CASE state WHEN 'queued' THEN next_attempt_at <= :nudged_before ELSE lease_until <= :now END
   ORDER BY next_attempt_at LIMIT :limit`,
  { crossesTenants: true },
);

/** What a job needs to know of its version. */
export type JobFacts = {
  version_id: string;
  config_id: string;
  workspace_id: string;
  namespace: string;
  deployment_name: string;
  epoch: number;
  number: number;
  config_data: string;
  podman_target: string;
  cli_version: string | null;
  created_at: string;
};
/** Of a version that is rendered: also the schema version that it names. */
export type JobInputsRow = JobFacts & SchemaSummaryRow;
/** Of an upload, which names none. */
export type UploadJobRow = JobFacts & { [K in keyof SchemaSummaryRow]: null };
export const isUploadJob = (row: JobInputsRow | UploadJobRow): row is UploadJobRow => row.pack === null;

const selectInputs = statement<{ version_id: string }, JobInputsRow | UploadJobRow>(
  `SELECT v.id AS version_id, v.config_id, v.workspace_id, c.namespace, c.deployment_name, v.epoch, v.version AS number,
     v.config_data, v.podman_target, v.cli_version, v.created_at, s.pack, s.version, s.repository, s.github_release_url,
     s.github_tag, s.commit_sha, s.asset_digest, s.pack_digest, s.podman_min, s.podman_max, s.status, s.released_at, s.fetched_at
   FROM configuration_versions v
   JOIN configurations c ON c.id = v.config_id
   LEFT JOIN schemas s ON s.pack = v.pack AND s.version = v.schema_version
   WHERE v.id = :version_id`,
  { crossesTenants: true },
);

export const jobStore = {
  selectCrashed,
  selectInputs,
  insert,
  failCrashed,
  lease,
  renewLease,
  release,
  fail,
  finish,
  requeue,
  makeDue,
  selectDue,
};
