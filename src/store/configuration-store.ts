import type { JsonObject } from "#core/json.ts";
import { statement } from "#store/statement.ts";

export type UpgradePolicy = "pinned" | "propose" | "auto";

export type ConfigurationRow = {
  id: string;
  workspace_id: string;
  namespace: string;
  deployment_name: string;
  config_data: string;
  version: number;
  pack: string | null;
  schema_version: string | null;
  schema_range: string;
  upgrade_policy: UpgradePolicy;
  is_active: number;
  created_by: string;
  created_at: string;
  /** Of the newest version. */
  podman_target: string;
  saved_at: string;
  changes_summary: string | null;
  job_state: string | null;
  head_version: number | null;
  deleted_at: string | null;
  purged_at: string | null;
};

export type Configuration = {
  id: string;
  workspaceId: string;
  namespace: string;
  deploymentName: string;
  configData: JsonObject;
  version: number;
  pack: string | null;
  schemaVersion: string | null;
  schemaRange: string;
  upgradePolicy: UpgradePolicy;
  isActive: boolean;
  createdBy: string;
  createdAt: string;
  podmanTarget: string;
  savedAt: string;
  changesSummary: string | null;
  /** State of the newest version's job; null for one that needs no render. */
  renderState: string | null;
  /** The newest version that is rendered: what devices get. */
  headVersion: number | null;
  deletedAt: string | null;
  /** When its content was erased; null otherwise. */
  purgedAt: string | null;
};

const columns = `c.id, c.workspace_id, c.namespace, c.deployment_name, c.config_data, c.version, c.pack, c.schema_version,
  c.schema_range, c.upgrade_policy, c.is_active, c.created_by, c.created_at,
  v.podman_target, v.created_at AS saved_at, v.changes_summary, j.state AS job_state, h.version AS head_version,
  c.deleted_at, p.requested_at AS purged_at`;
const joins = `JOIN configuration_versions v ON v.workspace_id = c.workspace_id AND v.version = c.version
   LEFT JOIN render_jobs j ON j.version_id = v.id
   LEFT JOIN deployment_heads h ON h.config_id = c.id
   LEFT JOIN purges p ON p.config_id = c.id`;

const selectByName = statement<{ workspace_id: string; namespace: string; deployment_name: string }, ConfigurationRow>(
  `SELECT ${columns} FROM configurations c ${joins}
   WHERE c.workspace_id = :workspace_id AND c.namespace = :namespace AND c.deployment_name = :deployment_name
     AND c.deleted_at IS NULL`,
);

const selectById = statement<{ workspace_id: string; id: string }, ConfigurationRow>(
  `SELECT ${columns} FROM configurations c ${joins}
   WHERE c.workspace_id = :workspace_id AND c.id = :id AND c.deleted_at IS NULL`,
);

/** A page of all, or of what a generator may see: filtered here, or its pages would end too early. */
const selectPage = statement<
  { workspace_id: string; after_namespace: string; after_name: string; generator_id: string | null; limit: number },
  ConfigurationRow
>(
  `SELECT ${columns} FROM configurations c ${joins}
   WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NULL
     AND (c.namespace, c.deployment_name) > (:after_namespace, :after_name)
     AND (:generator_id IS NULL OR EXISTS (
       SELECT 1 FROM generators g, json_each(g.namespaces) p WHERE g.id = :generator_id AND g.workspace_id = :workspace_id
         AND (p.value = '/' OR c.namespace = p.value OR c.namespace LIKE p.value || '/%')))
   ORDER BY c.namespace, c.deployment_name LIMIT :limit`,
);

/** The deleted ones that had this name, newest deletion first. */
const selectDeletedByName = statement<
  { workspace_id: string; namespace: string; deployment_name: string },
  ConfigurationRow
>(
  `SELECT ${columns} FROM configurations c ${joins}
   WHERE c.workspace_id = :workspace_id AND c.namespace = :namespace AND c.deployment_name = :deployment_name
     AND c.deleted_at IS NOT NULL
   ORDER BY c.deleted_at DESC, c.version DESC LIMIT 50`,
);

// Newest deletion first: what is deleted meanwhile never shifts a page.
const selectDeletedPage = statement<
  { workspace_id: string; before_deleted_at: string; before_version: number; limit: number },
  ConfigurationRow
>(
  `SELECT ${columns} FROM configurations c ${joins}
   WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NOT NULL
     AND (c.deleted_at, c.version) < (:before_deleted_at, :before_version)
   ORDER BY c.deleted_at DESC, c.version DESC LIMIT :limit`,
);

// Nothing is inserted where the name is taken, so that the statements after it find no row and the whole batch does
// nothing; the partial unique index says the same to whoever writes SQL by hand.
const insert = statement<{
  id: string;
  workspace_id: string;
  user_uuid: string;
  namespace: string;
  deployment_name: string;
  config_data: string;
  pack: string | null;
  schema_version: string | null;
  schema_range: string;
  upgrade_policy: string;
  created_by: string;
  created_at: string;
}>(
  `INSERT INTO configurations (id, workspace_id, user_uuid, namespace, deployment_name, config_data, version, pack,
                               schema_version, schema_range, upgrade_policy, created_by, created_at)
   SELECT :id, w.id, :user_uuid, :namespace, :deployment_name, :config_data, 0, :pack,
          :schema_version, :schema_range, :upgrade_policy, :created_by, :created_at
   FROM workspaces w
   WHERE w.id = :workspace_id AND NOT EXISTS (
     SELECT 1 FROM configurations
     WHERE workspace_id = :workspace_id AND (id = :id OR (namespace = :namespace AND deployment_name = :deployment_name
           AND deleted_at IS NULL)))`,
);

// Follows the version that the same batch inserted; without it, changes nothing. `version <` makes a repeat harmless.
const followVersion = statement<{ workspace_id: string; version_id: string }>(
  `UPDATE configurations SET version = v.version, config_data = v.config_data, pack = v.pack,
     schema_version = v.schema_version, deleted_at = CASE v.origin WHEN 'delete' THEN v.created_at ELSE NULL END
   FROM configuration_versions v
   WHERE v.id = :version_id AND configurations.id = v.config_id AND configurations.workspace_id = :workspace_id
     AND configurations.version < v.version`,
);

/** Every name this workspace ever had: a short /config/latest is refused once there were two. */
const selectNamesEver = statement<
  { workspace_id: string },
  { namespace: string; deployment_name: string; is_deleted: number }
>(
  `SELECT DISTINCT namespace, deployment_name, MIN(deleted_at IS NOT NULL) AS is_deleted FROM configurations
   WHERE workspace_id = :workspace_id GROUP BY namespace, deployment_name ORDER BY namespace, deployment_name LIMIT 50`,
);

export const configurationStore = {
  selectById,
  selectByName,
  selectPage,
  selectDeletedByName,
  selectDeletedPage,
  insert,
  followVersion,
  selectNamesEver,
  fromRow,
};

function fromRow(row: ConfigurationRow): Configuration {
  return {
    id: row.id,
    workspaceId: row.workspace_id,
    namespace: row.namespace,
    deploymentName: row.deployment_name,
    configData: JSON.parse(row.config_data) as JsonObject,
    version: row.version,
    pack: row.pack,
    schemaVersion: row.schema_version,
    schemaRange: row.schema_range,
    upgradePolicy: row.upgrade_policy,
    isActive: row.is_active === 1,
    createdBy: row.created_by,
    createdAt: row.created_at,
    podmanTarget: row.podman_target,
    savedAt: row.saved_at,
    changesSummary: row.changes_summary,
    renderState: row.job_state,
    headVersion: row.head_version,
    deletedAt: row.deleted_at,
    purgedAt: row.purged_at,
  };
}
