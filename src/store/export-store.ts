import { type Statement, statement } from "#store/statement.ts";

type Page = { workspace_id: string; after: string; limit: number };
type Row = { cursor: string; [column: string]: unknown };
type Exported = { kind: string; page: Statement<Page, Row>; json: readonly string[] };

/**
 * What belongs to a workspace, table by table, in an order in which each row comes after those that it names. `cursor` is
 * the key that the pages go by, `json` the columns that hold JSON. Secrets are named, never given out.
 */
export const EXPORTED: readonly Exported[] = [
  {
    kind: "workspace",
    page: statement<Page, Row>(
      `SELECT id AS cursor, id, kind AS workspace_kind, name, epoch, created_at FROM workspaces
       WHERE id = :workspace_id AND id > :after LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "member",
    page: statement<Page, Row>(
      `SELECT m.user_uuid AS cursor, m.user_uuid, u.tailscale_email AS login, u.display_name, m.role, m.created_at
       FROM memberships m JOIN users u ON u.user_uuid = m.user_uuid
       WHERE m.workspace_id = :workspace_id AND m.user_uuid > :after ORDER BY m.user_uuid LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "device",
    page: statement<Page, Row>(
      `SELECT d.user_uuid || '/' || d.device_id AS cursor, d.user_uuid, d.device_id, d.hostname, d.tailnet, d.podman_version,
         d.agent_version, d.labels, d.created_at, d.last_seen, d.revoked_at
       FROM memberships m JOIN devices d ON d.user_uuid = m.user_uuid
       WHERE m.workspace_id = :workspace_id AND d.user_uuid || '/' || d.device_id > :after ORDER BY 1 LIMIT :limit`,
    ),
    json: ["labels"],
  },
  {
    kind: "configuration",
    page: statement<Page, Row>(
      `SELECT id AS cursor, id, namespace, deployment_name, version, pack, schema_version, schema_range, upgrade_policy,
         is_active, created_by, created_at, deleted_at
       FROM configurations WHERE workspace_id = :workspace_id AND id > :after ORDER BY id LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "version",
    page: statement<Page, Row>(
      `SELECT printf('%016d', version) AS cursor, id, config_id, epoch, version, config_data, pack, schema_version,
         podman_target, parent_version, origin, changes_summary, created_by, cli_version, created_at
       FROM configuration_versions
       WHERE workspace_id = :workspace_id AND version > CAST(:after AS INTEGER) ORDER BY version LIMIT :limit`,
    ),
    json: ["config_data"],
  },
  {
    kind: "render",
    page: statement<Page, Row>(
      `SELECT printf('%016d', version) AS cursor, config_id, epoch, version, manifest_checksum, file_count,
         total_size_bytes, engine_version, pack_digest, deleted, rendered_at
       FROM rendered_quadlets
       WHERE workspace_id = :workspace_id AND version > CAST(:after AS INTEGER) ORDER BY version LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "deployment",
    page: statement<Page, Row>(
      `SELECT id AS cursor, config_id, device_id, device_hostname, config_version, epoch, manifest_checksum,
         deployment_status, state, is_drifted, error_message, installed_at, last_checked
       FROM deployments WHERE workspace_id = :workspace_id AND id > :after ORDER BY id LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "secret",
    page: statement<Page, Row>(
      `SELECT name AS cursor, name, version, size_bytes, created_at, updated_at, last_rotated_at, rotation_count, deleted_at
       FROM secrets WHERE workspace_id = :workspace_id AND name > :after ORDER BY name LIMIT :limit`,
    ),
    json: [],
  },
  {
    kind: "generator",
    page: statement<Page, Row>(
      `SELECT id AS cursor, id, name, description, scopes, namespaces, requests_per_hour, user_uuid, created_at, expires_at,
         deleted_at
       FROM generators WHERE workspace_id = :workspace_id AND id > :after ORDER BY id LIMIT :limit`,
    ),
    json: ["scopes", "namespaces"],
  },
];

/** The files of uploads exist nowhere else, so an export carries them. */
export const exportedFiles = statement<Page, Row & { sha256: string }>(
  `SELECT DISTINCT sha256 AS cursor, sha256 FROM upload_files
   WHERE workspace_id = :workspace_id AND sha256 > :after ORDER BY sha256 LIMIT :limit`,
);
