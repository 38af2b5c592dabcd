import { statement } from "#store/statement.ts";

export type NewRender = {
  id: string;
  version_id: string;
  r2_base_path: string;
  manifest_checksum: string;
  file_count: number;
  total_size_bytes: number;
  rendering_duration_ms: number | null;
  engine_version: string;
  pack_digest: string;
  rendered_at: string;
};

/** What a poll reads. `manifest_checksum` is null while nothing is rendered. */
export type LatestRow = {
  config_id: string;
  namespace: string;
  deployment_name: string;
  is_active: number;
  /** 1 while a version of this name that is newer than the head is queued or rendering. */
  is_pending: number;
  epoch: number | null;
  version: number | null;
  manifest_checksum: string | null;
  deleted: number | null;
};

const insert = statement<NewRender>(
  `INSERT INTO rendered_quadlets (id, config_id, workspace_id, epoch, version, schema_version, r2_base_path,
     manifest_checksum, file_count, total_size_bytes, rendering_duration_ms, engine_version, pack_digest, deleted, rendered_at)
   SELECT :id, v.config_id, v.workspace_id, v.epoch, v.version, v.schema_version, :r2_base_path, :manifest_checksum,
     :file_count, :total_size_bytes, :rendering_duration_ms, :engine_version, :pack_digest, 0, :rendered_at
   FROM configuration_versions v JOIN render_jobs j ON j.version_id = v.id
   WHERE v.id = :version_id AND j.state IN ('queued', 'rendering')
   ON CONFLICT (workspace_id, version) DO NOTHING`,
  { crossesTenants: true },
);

/** A deletion is a version with a row of its own: devices see it in the order of everything else. */
const insertDeletion = statement<{
  id: string;
  version_id: string;
  workspace_id: string;
  manifest_checksum: string;
  engine_version: string;
  rendered_at: string;
}>(
  `INSERT INTO rendered_quadlets (id, config_id, workspace_id, epoch, version, schema_version, r2_base_path,
     manifest_checksum, file_count, total_size_bytes, rendering_duration_ms, engine_version, pack_digest, deleted, rendered_at)
   SELECT :id, config_id, workspace_id, epoch, version, schema_version, '', :manifest_checksum, 0, 0, NULL,
     :engine_version, '', 1, :rendered_at
   FROM configuration_versions WHERE id = :version_id AND workspace_id = :workspace_id AND origin = 'delete'
   ON CONFLICT (workspace_id, version) DO NOTHING`,
);

// Forward only: version 3 may be rendered after version 4, and must not become the head then.
const moveHead = statement<{ version_id: string; now: string }>(
  `INSERT INTO deployment_heads (config_id, workspace_id, epoch, version, manifest_checksum, deleted, updated_at)
   SELECT r.config_id, r.workspace_id, r.epoch, r.version, r.manifest_checksum, r.deleted, :now
   FROM rendered_quadlets r JOIN configuration_versions v ON v.workspace_id = r.workspace_id AND v.version = r.version
   WHERE v.id = :version_id
   ON CONFLICT (config_id) DO UPDATE SET epoch = excluded.epoch, version = excluded.version,
     manifest_checksum = excluded.manifest_checksum, deleted = excluded.deleted, updated_at = excluded.updated_at
   WHERE (excluded.epoch, excluded.version) > (deployment_heads.epoch, deployment_heads.version)`,
  { crossesTenants: true },
);

export type PollRow = LatestRow & {
  user_uuid: string;
  login: string;
  user_token_epoch: number;
  device_token_epoch: number | null;
  revoked_at: string | null;
  key_thumbprint: string | null;
  role: "viewer" | "editor" | "publisher" | "admin" | null;
  workspace_epoch: number | null;
  device_last_seen: string | null;
  names_ever: number;
};

/**
 * The whole poll in one query: token epoch, device, membership, head and digest, and how many deployments this workspace
 * ever had. `deployment_name` null asks for the only one. Of a name that was deleted and made again, the row that is
 * alive wins, then the newest deletion.
 */
const selectLatest = statement<
  { user_uuid: string; device_id: string; workspace_id: string; namespace: string; deployment_name: string | null },
  PollRow
>(
  `SELECT u.user_uuid, u.tailscale_email AS login, u.token_epoch AS user_token_epoch, d.token_epoch AS device_token_epoch,
     d.revoked_at, d.key_thumbprint, d.last_seen AS device_last_seen, m.role, w.epoch AS workspace_epoch,
     (SELECT COUNT(*) FROM (SELECT DISTINCT namespace, deployment_name FROM configurations
                            WHERE workspace_id = :workspace_id LIMIT 2)) AS names_ever,
     c.id AS config_id, c.namespace, c.deployment_name, c.is_active, EXISTS (
       SELECT 1 FROM render_jobs j WHERE j.workspace_id = c.workspace_id AND j.version > COALESCE(h.version, 0)
         AND j.state IN ('queued', 'rendering') AND j.config_id IN (
           SELECT s.id FROM configurations s WHERE s.workspace_id = c.workspace_id AND s.namespace = c.namespace
             AND s.deployment_name = c.deployment_name)) AS is_pending,
     h.epoch, h.version, h.manifest_checksum, h.deleted
   FROM users u
   LEFT JOIN devices d ON d.user_uuid = u.user_uuid AND d.device_id = :device_id
   LEFT JOIN memberships m ON m.user_uuid = u.user_uuid AND m.workspace_id = :workspace_id
   LEFT JOIN workspaces w ON w.id = m.workspace_id
   LEFT JOIN configurations c ON c.id = (
     SELECT x.id FROM configurations x LEFT JOIN deployment_heads xh ON xh.config_id = x.id
     WHERE x.workspace_id = m.workspace_id
       AND (:deployment_name IS NULL OR (x.deployment_name = :deployment_name AND x.namespace = :namespace))
     ORDER BY xh.version IS NULL, x.deleted_at IS NOT NULL, x.version DESC LIMIT 1)
   LEFT JOIN deployment_heads h ON h.config_id = c.id
   WHERE u.user_uuid = :user_uuid`,
);

export const renderStore = { insert, insertDeletion, moveHead, selectLatest };
