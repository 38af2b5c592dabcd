import { PURGED_CONTENT } from "#core/purge.ts";
import { statement } from "#store/statement.ts";

export type PurgeRow = {
  id: string;
  workspace_id: string;
  config_id: string;
  requested_by: string;
  requested_at: string;
  pass: number;
  cursor_version: number;
  objects_removed: number;
  next_attempt_at: string;
  finished_at: string | null;
};

// Guarded by the state that makes it lawful; every statement after it in the batch hangs on the row that it made.
const insert = statement<{
  id: string;
  workspace_id: string;
  config_id: string;
  requested_by: string;
  requested_at: string;
}>(
  `INSERT INTO purges (id, workspace_id, config_id, requested_by, requested_at, next_attempt_at)
   SELECT :id, c.workspace_id, c.id, :requested_by, :requested_at, :requested_at FROM configurations c
   WHERE c.id = :config_id AND c.workspace_id = :workspace_id AND c.deleted_at IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM purges WHERE config_id = c.id)`,
);

type Of = { purge_id: string; workspace_id: string };
const isPurged = "config_id = (SELECT config_id FROM purges WHERE id = :purge_id AND workspace_id = :workspace_id)";

const eraseVersions = statement<Of & { content: string }>(
  `UPDATE configuration_versions SET config_data = :content, changes_summary = NULL
   WHERE workspace_id = :workspace_id AND ${isPurged}`,
);

const eraseConfiguration = statement<Of & { content: string }>(
  `UPDATE configurations SET config_data = :content
   WHERE workspace_id = :workspace_id
     AND id = (SELECT config_id FROM purges WHERE id = :purge_id AND workspace_id = :workspace_id)`,
);

// What still waits is ended: a render of the marker would fail, and one that runs loses its lease before its manifest.
const endJobs = statement<Of & { failure: string; now: string }>(
  `UPDATE render_jobs SET warnings = '[]', lease_id = NULL, lease_until = NULL, updated_at = :now,
     failure = CASE state WHEN 'rendered' THEN NULL ELSE :failure END,
     state = CASE state WHEN 'rendered' THEN 'rendered' ELSE 'failed' END
   WHERE workspace_id = :workspace_id AND ${isPurged}`,
);

const eraseReports = statement<Of>(
  `UPDATE deployments SET error_message = NULL WHERE workspace_id = :workspace_id AND ${isPurged}`,
);

const eraseImpact = statement<Of>(`DELETE FROM impact_results WHERE workspace_id = :workspace_id AND ${isPurged}`);

// Their previews hold decisions and files; who decided what about them is in the audit log.
const eraseProposals = statement<Of>(`DELETE FROM proposals WHERE workspace_id = :workspace_id AND ${isPurged}`);

/** Uploaded files of what is purged may go, unless another version ships them too: the collection looks. */
const expireUploads = statement<Of & { now: string }>(
  `UPDATE uploads SET collect_after = :now WHERE workspace_id = :workspace_id AND sha256 IN (
     SELECT f.sha256 FROM upload_files f JOIN configuration_versions v ON v.id = f.version_id
     WHERE f.workspace_id = :workspace_id AND v.${isPurged})`,
);

const releaseUploads = statement<Of>(
  `DELETE FROM upload_files WHERE workspace_id = :workspace_id AND version_id IN (
     SELECT id FROM configuration_versions WHERE workspace_id = :workspace_id AND ${isPurged})`,
);

const selectByConfig = statement<{ workspace_id: string; config_id: string }, PurgeRow>(
  `SELECT p.*, c.namespace FROM purges p JOIN configurations c ON c.id = p.config_id
   WHERE p.workspace_id = :workspace_id AND p.config_id = :config_id`,
);

const selectDue = statement<{ now: string; limit: number }, PurgeRow>(
  `SELECT * FROM purges WHERE finished_at IS NULL AND next_attempt_at <= :now ORDER BY next_attempt_at LIMIT :limit`,
  { crossesTenants: true },
);

const selectVersions = statement<
  { workspace_id: string; config_id: string; after: number; limit: number },
  { version: number }
>(
  `SELECT version FROM configuration_versions
   WHERE workspace_id = :workspace_id AND config_id = :config_id AND version > :after ORDER BY version LIMIT :limit`,
);

/** Moves the cursor of the removal; of two sweeps at once both remove, which is harmless, and one counts. */
const advance = statement<{
  id: string;
  was_pass: number;
  was_cursor: number;
  pass: number;
  cursor_version: number;
  removed: number;
  next_attempt_at: string;
  finished_at: string | null;
}>(
  `UPDATE purges SET pass = :pass, cursor_version = :cursor_version, objects_removed = objects_removed + :removed,
     next_attempt_at = :next_attempt_at, finished_at = :finished_at
   WHERE id = :id AND pass = :was_pass AND cursor_version = :was_cursor AND finished_at IS NULL`,
  { crossesTenants: true },
);

/** One that fails lets the others go first; where another sweep has brought it on meanwhile, that one's time holds. */
const postpone = statement<{ id: string; was_pass: number; was_cursor: number; next_attempt_at: string }>(
  `UPDATE purges SET next_attempt_at = :next_attempt_at
   WHERE id = :id AND pass = :was_pass AND cursor_version = :was_cursor AND finished_at IS NULL`,
  { crossesTenants: true },
);

export const purgeStore = {
  insert,
  /** Everything that a purge erases in D1, in the batch of its row. */
  erase: (db: D1Database, of: Of & { failure: string; now: string }): D1PreparedStatement[] => [
    eraseVersions.bind(db, { ...of, content: PURGED_CONTENT }),
    eraseConfiguration.bind(db, { ...of, content: PURGED_CONTENT }),
    endJobs.bind(db, of),
    eraseReports.bind(db, of),
    eraseImpact.bind(db, of),
    eraseProposals.bind(db, of),
    expireUploads.bind(db, of),
    releaseUploads.bind(db, of),
  ],
  selectByConfig,
  selectDue,
  selectVersions,
  advance,
  postpone,
};
