import type { ImpactClass, ImpactCounts } from "#core/impact.ts";
import { statement } from "#store/statement.ts";

/** `candidate` is '' for an admitted version, else the digest of a pack that is not released. */
export type ImpactOf = { pack: string; schema_version: string; candidate: string };

export type ImpactJobRow = ImpactOf &
  ImpactCounts & {
    id: string;
    state: "running" | "done";
    cursor: string;
    total: number;
    seen: number;
    /** JSON, how many workspaces stand in each class; null before the end. */
    workspaces: string | null;
    attempts: number;
    updated_at: string;
  };

const live = `pack = :pack AND schema_version IS NOT NULL AND deleted_at IS NULL AND is_active = 1`;
const total = `(SELECT COUNT(*) FROM configurations WHERE ${live})`;

/** Stands after the insert of a ready schema version in its batch, beside its fan-out. */
const startForSchema = statement<{ id: string; pack: string; version: string; fetched_at: string; now: string }>(
  `INSERT INTO impact_jobs (id, pack, schema_version, state, total, created_at, updated_at)
   SELECT :id, pack, version, 'running', ${total}, :now, :now FROM schemas
   WHERE pack = :pack AND version = :version AND status = 'ready' AND fetched_at = :fetched_at
   ON CONFLICT (pack, schema_version, candidate) DO NOTHING`,
  { crossesTenants: true },
);

/** The first time only: a candidate that is sent again finds what was counted. */
const startForCandidate = statement<{ id: string; pack: string; digest: string; now: string }>(
  `INSERT INTO impact_jobs (id, pack, schema_version, candidate, state, total, created_at, updated_at)
   SELECT :id, pack, schema_version, digest, 'running', ${total}, :now, :now FROM pack_candidates
   WHERE digest = :digest AND pack = :pack AND collecting = 0
   ON CONFLICT (pack, schema_version, candidate) DO NOTHING`,
  { crossesTenants: true },
);

/** Counts once more, or for the first time; one that is being counted goes on as it is. What was found stays readable until replaced. */
const restart = statement<ImpactOf & { id: string; now: string }, { id: string }>(
  `INSERT INTO impact_jobs (id, pack, schema_version, candidate, state, total, created_at, updated_at)
   VALUES (:id, :pack, :schema_version, :candidate, 'running', ${total}, :now, :now)
   ON CONFLICT (pack, schema_version, candidate) DO UPDATE SET state = 'running', cursor = '', total = excluded.total, seen = 0,
     identical = 0, changed = 0, restarts = 0, data_risk = 0, needs_input = 0, fails = 0, workspaces = NULL,
     attempts = 0, next_attempt_at = '', updated_at = :now
   WHERE impact_jobs.state = 'done'
   RETURNING id`,
  { crossesTenants: true },
);

/**
 * The job that waits longest, leased: of two sweeps at once one works on it. The attempt is counted before the work, so that one
 * which kills its isolate is counted too.
 */
const take = statement<{ now: string; lease_until: string }, ImpactJobRow>(
  `UPDATE impact_jobs SET attempts = attempts + 1, next_attempt_at = :lease_until
   WHERE id = (SELECT id FROM impact_jobs WHERE state = 'running' AND next_attempt_at <= :now ORDER BY created_at LIMIT 1)
     AND state = 'running' AND next_attempt_at <= :now
   RETURNING *`,
);

export type ImpactPageRow = { id: string; workspace_id: string; schema_version: string };

/** Live configurations of the pack; which of them could move is judged by the caller, since SQL knows no semver. */
const selectPage = statement<{ pack: string; cursor: string; limit: number }, ImpactPageRow>(
  `SELECT id, workspace_id, schema_version FROM configurations WHERE id > :cursor AND ${live} ORDER BY id LIMIT :limit`,
  { crossesTenants: true },
);

// All of a page hangs on the cursor that it was taken from: of two that hold the same page one changes something, and what an
// earlier run said of these configurations gives way in the same batch.
type Guard = { id: string; cursor: string };
const guarded = "id = :id AND cursor = :cursor AND state = 'running'";

const clearRange = statement<Guard & { next: string; is_last: number }>(
  `DELETE FROM impact_results WHERE job_id = :id AND config_id > :cursor AND (:is_last = 1 OR config_id <= :next)
     AND EXISTS (SELECT 1 FROM impact_jobs WHERE ${guarded})`,
  { crossesTenants: true },
);

/** `results` is a JSON array of {id, class, detail}: D1 takes a hundred parameters. */
const insertResults = statement<Guard & { results: string }>(
  `INSERT INTO impact_results (job_id, config_id, workspace_id, class, detail)
   SELECT :id, c.id, c.workspace_id, json_extract(r.value, '$.class'), json_extract(r.value, '$.detail')
   FROM json_each(:results) r JOIN configurations c ON c.id = json_extract(r.value, '$.id')
   WHERE EXISTS (SELECT 1 FROM impact_jobs WHERE ${guarded})`,
  { crossesTenants: true },
);

const advance = statement<
  Guard & ImpactCounts & { next: string; state: "running" | "done"; seen: number; now: string },
  { id: string }
>(
  `UPDATE impact_jobs SET cursor = :next, state = :state, seen = seen + :seen, attempts = 0, next_attempt_at = '',
     identical = identical + :identical, changed = changed + :changed, restarts = restarts + :restarts,
     data_risk = data_risk + :data_risk, needs_input = needs_input + :needs_input, fails = fails + :fails, updated_at = :now
   WHERE ${guarded} RETURNING id`,
);

/** After the last page, in its batch. */
const countWorkspaces = statement<{ id: string }>(
  `UPDATE impact_jobs SET workspaces = (
     SELECT json_group_object(class, n) FROM (
       SELECT class, COUNT(DISTINCT workspace_id) AS n FROM impact_results WHERE job_id = :id GROUP BY class))
   WHERE id = :id AND state = 'done' AND workspaces IS NULL`,
  { crossesTenants: true },
);

const selectJob = statement<ImpactOf, ImpactJobRow>(
  "SELECT * FROM impact_jobs WHERE pack = :pack AND schema_version = :schema_version AND candidate = :candidate",
);

const ofJob = "j.pack = :pack AND j.schema_version = :schema_version AND j.candidate = :candidate";
// Of a job that runs again, what it has not come to yet is of an earlier run.
const isCurrent = "(j.state = 'done' OR r.config_id <= j.cursor)";

export type OwnImpactRow = {
  config_id: string;
  namespace: string;
  deployment_name: string;
  class: ImpactClass;
  detail: string;
};

/** A workspace's own configurations; for a generator those that it may see, filtered here, or its pages would end too early. */
const selectOwn = statement<
  ImpactOf & { workspace_id: string; after: string; generator_id: string | null; limit: number },
  OwnImpactRow
>(
  `SELECT r.config_id, c.namespace, c.deployment_name, r.class, r.detail
   FROM impact_jobs j JOIN impact_results r ON r.job_id = j.id AND r.workspace_id = :workspace_id
     JOIN configurations c ON c.id = r.config_id AND c.workspace_id = :workspace_id AND c.deleted_at IS NULL
   WHERE ${ofJob} AND ${isCurrent} AND r.config_id > :after
     AND (:generator_id IS NULL OR EXISTS (
       SELECT 1 FROM generators g, json_each(g.namespaces) p WHERE g.id = :generator_id AND g.workspace_id = :workspace_id
         AND (p.value = '/' OR c.namespace = p.value OR c.namespace LIKE p.value || '/%')))
   ORDER BY r.config_id LIMIT :limit`,
);

const countOwn = statement<ImpactOf & { workspace_id: string }, { class: ImpactClass; n: number }>(
  `SELECT r.class, COUNT(*) AS n FROM impact_jobs j JOIN impact_results r ON r.job_id = j.id
   WHERE ${ofJob} AND r.workspace_id = :workspace_id GROUP BY r.class`,
);

export const impactStore = {
  startForSchema,
  startForCandidate,
  restart,
  take,
  selectPage,
  selectJob,
  selectOwn,
  countOwn,
  /** One page: its results and the cursor's move, or nothing where somebody else committed it. */
  commitPage: (db: D1Database, page: ImpactPage): D1PreparedStatement[] => {
    const guard = { id: page.id, cursor: page.cursor };
    return [
      clearRange.bind(db, { ...guard, next: page.next, is_last: Number(page.isLast) }),
      insertResults.bind(db, { ...guard, results: JSON.stringify(page.results) }),
      advance.bind(db, {
        ...guard,
        ...page.counts,
        next: page.next,
        state: page.isLast ? "done" : "running",
        seen: page.seen,
        now: page.now,
      }),
      ...(page.isLast ? [countWorkspaces.bind(db, { id: page.id })] : []),
    ];
  },
};

export type ImpactResult = { id: string; class: ImpactClass; /** JSON. */ detail: string };
export type ImpactPage = Guard & {
  next: string;
  isLast: boolean;
  results: ImpactResult[];
  counts: ImpactCounts;
  seen: number;
  now: string;
};
