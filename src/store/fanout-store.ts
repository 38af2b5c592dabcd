import { statement } from "#store/statement.ts";

export type FanoutRow = { pack: string; schema_version: string; cursor: string };

/** Stands after the insert of a ready schema version in its batch. */
const start = statement<{ pack: string; version: string; fetched_at: string; now: string }>(
  `INSERT INTO fanouts (pack, schema_version, state, created_at, updated_at)
   SELECT pack, version, 'running', :now, :now FROM schemas
   WHERE pack = :pack AND version = :version AND status = 'ready' AND fetched_at = :fetched_at
   ON CONFLICT (pack, schema_version) DO NOTHING`,
);

const selectRunning = statement<Record<string, never>, FanoutRow>(
  "SELECT pack, schema_version, cursor FROM fanouts WHERE state = 'running' ORDER BY created_at LIMIT 10",
);

/** How many jobs wait, as far as it matters: the fan-out stops paging above a bound. */
const countQueued = statement<{ limit: number }, { queued: number }>(
  "SELECT COUNT(*) AS queued FROM (SELECT 1 FROM upgrade_jobs WHERE state = 'queued' LIMIT :limit)",
  { crossesTenants: true },
);

export type PageRow = { id: string; schema_version: string; schema_range: string; upgrade_policy: string };

/** Those that follow the pack at all; range and policy are judged by the caller, since SQL knows no semver. */
const selectPage = statement<{ pack: string; cursor: string; limit: number }, PageRow>(
  `SELECT id, schema_version, schema_range, upgrade_policy FROM configurations
   WHERE id > :cursor AND pack = :pack AND schema_version IS NOT NULL AND deleted_at IS NULL AND is_active = 1
   ORDER BY id LIMIT :limit`,
  { crossesTenants: true },
);

// `ids` is a JSON array: D1 takes a hundred parameters. The guard on the cursor makes one of two that page at once do
// nothing, and the primary key makes a repeated page add nothing.
const enqueue = statement<{ pack: string; schema_version: string; cursor: string; ids: string; now: string }>(
  `INSERT INTO upgrade_jobs (config_id, workspace_id, pack, schema_version, state, next_attempt_at, created_at, updated_at)
   SELECT c.id, c.workspace_id, f.pack, f.schema_version, 'queued', :now, :now, :now
   FROM fanouts f JOIN configurations c ON c.id IN (SELECT value FROM json_each(:ids))
   WHERE f.pack = :pack AND f.schema_version = :schema_version AND f.cursor = :cursor AND f.state = 'running'
   ON CONFLICT (config_id, schema_version) DO NOTHING`,
  { crossesTenants: true },
);

const advance = statement<{
  pack: string;
  schema_version: string;
  cursor: string;
  next: string;
  state: "running" | "done";
  seen: number;
  now: string;
}>(
  `UPDATE fanouts SET cursor = :next, state = :state, seen = seen + :seen, updated_at = :now
   WHERE pack = :pack AND schema_version = :schema_version AND cursor = :cursor AND state = 'running'`,
);

export const fanoutStore = { start, selectRunning, countQueued, selectPage, enqueue, advance };
