import { statement } from "#store/statement.ts";

/** A pack that is not released, as an operator sent it. Its digest names its content, its pack line and its version. */
export type CandidateRow = {
  digest: string;
  pack: string;
  schema_version: string;
  podman_min: string;
  podman_max: string | null;
  report: string;
  matrix: string | null;
  compatibility: string | null;
  collecting: number;
  created_at: string;
  expires_at: string;
};

/** Sent again it stays for longer, judged anew, for the registry may have grown; one that is being removed is left alone. */
const put = statement<Omit<CandidateRow, "collecting">, CandidateRow>(
  `INSERT INTO pack_candidates (digest, pack, schema_version, podman_min, podman_max, report, matrix, compatibility, created_at,
     expires_at)
   VALUES (:digest, :pack, :schema_version, :podman_min, :podman_max, :report, :matrix, :compatibility, :created_at, :expires_at)
   ON CONFLICT (digest) DO UPDATE SET report = excluded.report, matrix = excluded.matrix,
     compatibility = excluded.compatibility, expires_at = excluded.expires_at
   WHERE pack_candidates.collecting = 0
   RETURNING *`,
);

/** One more than there may be pushes out the one that was not sent for longest. */
const expireOldest = statement<{ keep: number; now: string }>(
  `UPDATE pack_candidates SET expires_at = :now WHERE expires_at > :now AND digest IN (
     SELECT digest FROM pack_candidates WHERE expires_at > :now ORDER BY expires_at DESC, created_at DESC LIMIT -1 OFFSET :keep)`,
);

const selectOne = statement<{ digest: string; pack: string; schema_version: string; now: string }, CandidateRow>(
  `SELECT * FROM pack_candidates WHERE digest = :digest AND pack = :pack AND schema_version = :schema_version
     AND collecting = 0 AND expires_at > :now`,
);

/** Marks what has expired, and finds what an earlier sweep marked. */
const collect = statement<{ now: string; limit: number }, { digest: string }>(
  `UPDATE pack_candidates SET collecting = 1 WHERE digest IN (
     SELECT digest FROM pack_candidates WHERE expires_at <= :now ORDER BY expires_at LIMIT :limit) RETURNING digest`,
);

// A page that is being counted loses its guard by this, and adds nothing any more.
const endJobs = statement<Record<string, never>>(
  `UPDATE impact_jobs SET state = 'done' WHERE state = 'running'
     AND candidate IN (SELECT digest FROM pack_candidates WHERE collecting = 1)`,
);

const removeResults = statement<{ digest: string; limit: number }, { config_id: string }>(
  `DELETE FROM impact_results WHERE (job_id, config_id) IN (
     SELECT r.job_id, r.config_id FROM impact_jobs j JOIN impact_results r ON r.job_id = j.id
     WHERE j.candidate = :digest LIMIT :limit) RETURNING config_id`,
  { crossesTenants: true },
);

const removeJob = statement<{ digest: string }>(
  `DELETE FROM impact_jobs WHERE candidate = :digest
     AND NOT EXISTS (SELECT 1 FROM impact_results WHERE job_id = impact_jobs.id)`,
  { crossesTenants: true },
);

const remove = statement<{ digest: string }>(
  `DELETE FROM pack_candidates WHERE digest = :digest AND collecting = 1
     AND NOT EXISTS (SELECT 1 FROM impact_jobs WHERE candidate = :digest)`,
);

export const candidateStore = {
  put,
  expireOldest,
  selectOne,
  collect,
  endJobs,
  removeResults,
  removeJob,
  remove,
};
