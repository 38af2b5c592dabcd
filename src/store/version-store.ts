import type { JsonObject } from "#core/json.ts";
import { statement } from "#store/statement.ts";

export type Origin =
  | "save"
  | "rollback"
  | "schema_upgrade"
  | "target_change"
  | "upload"
  | "import"
  | "inherit"
  | "restore"
  | "delete";

export type NewVersion = {
  id: string;
  config_id: string;
  workspace_id: string;
  /** The version this one was made from: 0 for a new configuration. The guard of the whole batch. */
  parent: number;
  config_data: string;
  pack: string | null;
  schema_version: string | null;
  podman_target: string;
  origin: Origin;
  changes_summary: string | null;
  created_by: string;
  cli_version: string | null;
  created_at: string;
};

export type VersionRow = {
  id: string;
  config_id: string;
  workspace_id: string;
  namespace: string;
  deployment_name: string;
  epoch: number;
  version: number;
  config_data: string;
  pack: string | null;
  schema_version: string | null;
  podman_target: string;
  parent_version: number | null;
  origin: Origin;
  changes_summary: string | null;
  created_by: string;
  cli_version: string | null;
  created_at: string;
  job_state: string | null;
  job_failure: string | null;
  job_warnings: string | null;
  job_attempts: number | null;
  job_updated_at: string | null;
  manifest_checksum: string | null;
  file_count: number | null;
  total_size_bytes: number | null;
  r2_base_path: string | null;
  engine_version: string | null;
  rendered_at: string | null;
  deleted: number | null;
  /** When the content was erased; null otherwise. */
  purged_at: string | null;
  /** The login of who made it; null for a machine. */
  author: string | null;
};

export type Version = Omit<VersionRow, "config_data"> & { config_data: JsonObject };

/**
 * The guard: a row comes out only of a configuration that is still at the parent, and alive (of a restore: deleted, and its name
 * free again). (An aggregate over nothing would
 * yield a row all the same, hence the join.) Every later statement of the batch selects this row by its id, so that a
 * guard that failed makes the whole batch do nothing, and a batch repeated after a lost answer does nothing more.
 */
const insert = statement<NewVersion>(
  `INSERT INTO configuration_versions (id, config_id, workspace_id, epoch, version, config_data, pack, schema_version,
     podman_target, parent_version, origin, changes_summary, created_by, cli_version, created_at)
   SELECT :id, c.id, c.workspace_id, w.epoch,
     1 + MAX(w.version_floor,
             (SELECT COALESCE(MAX(version), 0) FROM configuration_versions WHERE workspace_id = :workspace_id)),
     :config_data, :pack, :schema_version, :podman_target, NULLIF(c.version, 0), :origin, :changes_summary,
     :created_by, :cli_version, :created_at
   FROM configurations c JOIN workspaces w ON w.id = c.workspace_id
   WHERE c.id = :config_id AND c.workspace_id = :workspace_id AND c.version = :parent
     AND CASE :origin WHEN 'restore' THEN c.deleted_at IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM configurations o WHERE o.workspace_id = c.workspace_id AND o.namespace = c.namespace
             AND o.deployment_name = c.deployment_name AND o.deleted_at IS NULL)
         ELSE c.deleted_at IS NULL END
     AND NOT EXISTS (SELECT 1 FROM purges WHERE config_id = c.id)`,
);

const columns = `v.id, v.config_id, v.workspace_id, c.namespace, c.deployment_name, v.epoch, v.version, v.config_data, v.pack,
  v.schema_version, v.podman_target, v.parent_version, v.origin, v.changes_summary, v.created_by, v.cli_version, v.created_at,
  j.state AS job_state, j.failure AS job_failure, j.warnings AS job_warnings, j.attempts AS job_attempts, j.updated_at AS job_updated_at,
  r.manifest_checksum, r.file_count, r.total_size_bytes, r.r2_base_path, r.engine_version, r.rendered_at, r.deleted,
  p.requested_at AS purged_at, u.tailscale_email AS author`;
const joins = `JOIN configurations c ON c.id = v.config_id
   LEFT JOIN render_jobs j ON j.version_id = v.id
   LEFT JOIN rendered_quadlets r ON r.workspace_id = v.workspace_id AND r.version = v.version
   LEFT JOIN purges p ON p.config_id = v.config_id
   LEFT JOIN users u ON 'user:' || u.user_uuid = v.created_by`;

const selectById = statement<{ workspace_id: string; id: string }, VersionRow>(
  `SELECT ${columns} FROM configuration_versions v ${joins} WHERE v.id = :id AND v.workspace_id = :workspace_id`,
);

const selectByNumber = statement<{ workspace_id: string; version: number }, VersionRow>(
  `SELECT ${columns} FROM configuration_versions v ${joins}
   WHERE v.workspace_id = :workspace_id AND v.version = :version`,
);

// The pages of a history: newest first, so that what is saved meanwhile never shifts a page.
const selectHistory = statement<{ workspace_id: string; config_id: string; before: number; limit: number }, VersionRow>(
  `SELECT ${columns} FROM configuration_versions v ${joins}
   WHERE v.workspace_id = :workspace_id AND v.config_id = :config_id AND v.version < :before
   ORDER BY v.version DESC LIMIT :limit`,
);

const selectHistoryByName = statement<
  { workspace_id: string; namespace: string; deployment_name: string; before: number; limit: number },
  VersionRow
>(
  `SELECT ${columns} FROM configuration_versions v ${joins}
   WHERE v.workspace_id = :workspace_id AND v.version < :before
     AND v.config_id = (SELECT id FROM configurations WHERE workspace_id = :workspace_id AND namespace = :namespace
                        AND deployment_name = :deployment_name AND deleted_at IS NULL)
   ORDER BY v.version DESC LIMIT :limit`,
);

/** Devices whose current row names one of these versions of a deployment. */
const selectDevices = statement<
  { workspace_id: string; namespace: string; deployment_name: string; before: number; limit: number },
  { version: number; device_id: string; device_hostname: string; deployment_status: string }
>(
  `SELECT d.config_version AS version, d.device_id, d.device_hostname, d.deployment_status
   FROM deployments d
   WHERE d.workspace_id = :workspace_id AND d.config_version < :before
     AND d.config_id = (SELECT id FROM configurations WHERE workspace_id = :workspace_id AND namespace = :namespace
                        AND deployment_name = :deployment_name AND deleted_at IS NULL)
   ORDER BY d.config_version DESC, d.device_id LIMIT :limit`,
);

export const versionStore = {
  insert,
  selectById,
  selectByNumber,
  selectHistory,
  selectHistoryByName,
  selectDevices,
  fromRow,
};

function fromRow(row: VersionRow): Version {
  return { ...row, config_data: JSON.parse(row.config_data) as JsonObject };
}
