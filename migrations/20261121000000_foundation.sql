-- D1 is the only truth (law 1). STRICT everywhere; instants are ISO-8601 UTC text with milliseconds; JSON is checked;
-- foreign keys RESTRICT, because a cascade would erase history. Where document 000 indexes user_uuid as the tenant,
-- the workspace stands in its place (for a personal workspace both are the same uuid).

CREATE TABLE users (
  user_uuid             TEXT PRIMARY KEY,
  tailscale_user_id     TEXT NOT NULL UNIQUE,
  tailscale_email       TEXT NOT NULL,
  tailnet               TEXT NOT NULL,
  display_name          TEXT,
  created_at            TEXT NOT NULL,
  last_seen             TEXT NOT NULL,
  last_device_id        TEXT,
  last_device_hostname  TEXT,
  cli_version           TEXT,
  total_authentications INTEGER NOT NULL DEFAULT 0,
  token_epoch           INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX idx_users_tailscale_id ON users (tailscale_user_id);
CREATE INDEX idx_users_tailnet ON users (tailnet);
CREATE INDEX idx_users_last_seen ON users (last_seen);

-- The unit of tenancy. A personal workspace's id is its user's uuid. `epoch` grows on a restore from backup and
-- `version_floor` keeps numbers from being used twice after one: devices compare (epoch, version).
CREATE TABLE workspaces (
  id            TEXT PRIMARY KEY,
  kind          TEXT NOT NULL CHECK (kind IN ('personal', 'team', 'system')),
  name          TEXT NOT NULL,
  epoch         INTEGER NOT NULL DEFAULT 1 CHECK (epoch > 0),
  version_floor INTEGER NOT NULL DEFAULT 0 CHECK (version_floor >= 0),
  created_at    TEXT NOT NULL
) STRICT;

CREATE TABLE memberships (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  user_uuid    TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  role         TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'publisher', 'admin')),
  created_at   TEXT NOT NULL,
  PRIMARY KEY (workspace_id, user_uuid)
) STRICT;
CREATE INDEX idx_memberships_user ON memberships (user_uuid);

CREATE TABLE devices (
  device_id    TEXT NOT NULL,
  user_uuid    TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  tailnet      TEXT NOT NULL,
  hostname     TEXT NOT NULL,
  token_epoch  INTEGER NOT NULL DEFAULT 0,
  revoked_at   TEXT,
  created_at   TEXT NOT NULL,
  last_seen    TEXT NOT NULL,
  PRIMARY KEY (user_uuid, device_id)
) STRICT;
CREATE INDEX idx_devices_workspace ON devices (workspace_id, device_id);

-- One row per deployment; `version` is the newest saved one and `config_data` its copy. What a save really wrote is in
-- configuration_versions. An upload has no schema: `pack` and `schema_version` are null, and `config_data` names its files.
CREATE TABLE configurations (
  id              TEXT PRIMARY KEY,
  workspace_id    TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  user_uuid       TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  namespace       TEXT NOT NULL DEFAULT '/' CHECK (namespace LIKE '/%'),
  deployment_name TEXT NOT NULL,
  config_data     TEXT NOT NULL CHECK (json_valid(config_data)),
  version         INTEGER NOT NULL CHECK (version >= 0),
  pack            TEXT,
  schema_version  TEXT,
  schema_range    TEXT NOT NULL,
  upgrade_policy  TEXT NOT NULL DEFAULT 'propose' CHECK (upgrade_policy IN ('pinned', 'propose', 'auto')),
  is_active       INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
  created_by      TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  deleted_at      TEXT,
  CHECK ((pack IS NULL) = (schema_version IS NULL))
) STRICT;
CREATE UNIQUE INDEX idx_config_name ON configurations (workspace_id, namespace, deployment_name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX idx_config_user_version ON configurations (workspace_id, version) WHERE version > 0;
CREATE INDEX idx_config_user_active ON configurations (workspace_id, is_active);
CREATE INDEX idx_config_schema_version ON configurations (pack, schema_version);

CREATE TABLE configuration_versions (
  id              TEXT PRIMARY KEY,
  config_id       TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id    TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  epoch           INTEGER NOT NULL CHECK (epoch > 0),
  version         INTEGER NOT NULL CHECK (version > 0),
  config_data     TEXT NOT NULL CHECK (json_valid(config_data)),
  pack            TEXT,
  schema_version  TEXT,
  podman_target   TEXT NOT NULL,
  parent_version  INTEGER,
  origin          TEXT NOT NULL CHECK (origin IN ('save', 'rollback', 'schema_upgrade', 'target_change', 'upload',
                    'import', 'inherit', 'restore', 'delete')),
  changes_summary TEXT,
  created_by      TEXT NOT NULL,
  cli_version     TEXT,
  created_at      TEXT NOT NULL,
  CHECK ((pack IS NULL) = (schema_version IS NULL))
) STRICT;
CREATE UNIQUE INDEX idx_version_workspace ON configuration_versions (workspace_id, version);
CREATE INDEX idx_version_config ON configuration_versions (config_id, version);
CREATE INDEX idx_version_created ON configuration_versions (created_at);

CREATE TRIGGER configuration_versions_no_update BEFORE UPDATE ON configuration_versions
BEGIN SELECT RAISE(ABORT, 'configuration_versions is immutable'); END;
CREATE TRIGGER configuration_versions_no_delete BEFORE DELETE ON configuration_versions
BEGIN SELECT RAISE(ABORT, 'configuration_versions is immutable'); END;
-- INSERT OR REPLACE fires no delete trigger (recursive_triggers is off), so the insert is guarded too.
CREATE TRIGGER configuration_versions_no_replace BEFORE INSERT ON configuration_versions
WHEN EXISTS (SELECT 1 FROM configuration_versions WHERE id = NEW.id
             OR (workspace_id = NEW.workspace_id AND version = NEW.version))
BEGIN SELECT RAISE(ABORT, 'configuration_versions is immutable'); END;

-- What must be rendered, and the outbox: the queue message only nudges. `attempts` counts leases and `faults` the leases
-- that ended alive with a transport failure; the difference is the number of isolates that a render has killed.
CREATE TABLE render_jobs (
  version_id      TEXT PRIMARY KEY REFERENCES configuration_versions (id) ON DELETE RESTRICT,
  config_id       TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id    TEXT NOT NULL,
  version         INTEGER NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('queued', 'rendering', 'rendered', 'failed')),
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  faults          INTEGER NOT NULL DEFAULT 0 CHECK (faults >= 0 AND faults <= attempts),
  next_attempt_at TEXT NOT NULL,
  lease_id        TEXT,
  lease_until     TEXT,
  failure         TEXT CHECK (failure IS NULL OR json_valid(failure)),
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL,
  CHECK ((state = 'rendering') = (lease_id IS NOT NULL)),
  CHECK ((state = 'failed') = (failure IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX idx_jobs_version ON render_jobs (workspace_id, version);
CREATE INDEX idx_jobs_due ON render_jobs (next_attempt_at) WHERE state IN ('queued', 'rendering');

-- sequence_id is an internal cursor in order of commit, never shown. A deletion is a row with deleted = 1.
CREATE TABLE rendered_quadlets (
  sequence_id           INTEGER PRIMARY KEY AUTOINCREMENT,
  id                    TEXT NOT NULL UNIQUE,
  config_id             TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id          TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  epoch                 INTEGER NOT NULL,
  version               INTEGER NOT NULL,
  schema_version        TEXT,
  r2_base_path          TEXT NOT NULL,
  manifest_checksum     TEXT NOT NULL,
  file_count            INTEGER NOT NULL CHECK (file_count >= 0),
  total_size_bytes      INTEGER NOT NULL CHECK (total_size_bytes >= 0),
  rendering_duration_ms INTEGER,
  engine_version        TEXT NOT NULL,
  pack_digest           TEXT NOT NULL,
  deleted               INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
  rendered_at           TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_rendered_version ON rendered_quadlets (workspace_id, version);
CREATE INDEX idx_rendered_config ON rendered_quadlets (config_id, version);
CREATE INDEX idx_rendered_path ON rendered_quadlets (r2_base_path);

CREATE TRIGGER rendered_quadlets_no_update BEFORE UPDATE ON rendered_quadlets
BEGIN SELECT RAISE(ABORT, 'rendered_quadlets is immutable'); END;
CREATE TRIGGER rendered_quadlets_no_delete BEFORE DELETE ON rendered_quadlets
BEGIN SELECT RAISE(ABORT, 'rendered_quadlets is immutable'); END;

-- IGNORE and not ABORT: the same render committed twice is a repeat, not a fault.
CREATE TRIGGER rendered_quadlets_no_replace BEFORE INSERT ON rendered_quadlets
WHEN EXISTS (SELECT 1 FROM rendered_quadlets WHERE id = NEW.id OR sequence_id = NEW.sequence_id
             OR (workspace_id = NEW.workspace_id AND version = NEW.version))
BEGIN SELECT RAISE(IGNORE); END;

-- Law 3: latest never goes back. The upsert says it, and the trigger says it again for whoever writes SQL by hand.
CREATE TABLE deployment_heads (
  config_id         TEXT PRIMARY KEY REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id      TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  epoch             INTEGER NOT NULL,
  version           INTEGER NOT NULL,
  manifest_checksum TEXT NOT NULL,
  deleted           INTEGER NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
  updated_at        TEXT NOT NULL
) STRICT;
CREATE INDEX idx_heads_workspace ON deployment_heads (workspace_id);

CREATE TRIGGER deployment_heads_forward_only BEFORE UPDATE ON deployment_heads
WHEN (NEW.epoch, NEW.version) <= (OLD.epoch, OLD.version) OR NEW.config_id <> OLD.config_id
BEGIN SELECT RAISE(ABORT, 'deployment_heads moves forward only'); END;
CREATE TRIGGER deployment_heads_no_delete BEFORE DELETE ON deployment_heads
BEGIN SELECT RAISE(ABORT, 'deployment_heads moves forward only'); END;
CREATE TRIGGER deployment_heads_no_replace BEFORE INSERT ON deployment_heads
WHEN EXISTS (SELECT 1 FROM deployment_heads WHERE config_id = NEW.config_id
             AND (NEW.epoch, NEW.version) <= (epoch, version))
BEGIN SELECT RAISE(IGNORE); END;

CREATE TABLE schemas (
  pack               TEXT NOT NULL,
  version            TEXT NOT NULL,
  repository         TEXT NOT NULL,
  github_release_url TEXT NOT NULL,
  github_tag         TEXT NOT NULL,
  commit_sha         TEXT NOT NULL,
  asset_digest       TEXT,
  pack_digest        TEXT NOT NULL,
  template_manifest  TEXT NOT NULL CHECK (json_valid(template_manifest)),
  config_schema      TEXT NOT NULL CHECK (json_valid(config_schema)),
  podman_min         TEXT NOT NULL,
  podman_max         TEXT,
  status             TEXT NOT NULL CHECK (status IN ('ready', 'quarantined', 'yanked')),
  report             TEXT NOT NULL CHECK (json_valid(report)),
  compatibility      TEXT CHECK (compatibility IS NULL OR json_valid(compatibility)),
  migration_required INTEGER NOT NULL DEFAULT 0 CHECK (migration_required IN (0, 1)),
  released_at        TEXT NOT NULL,
  fetched_at         TEXT NOT NULL,
  PRIMARY KEY (pack, version)
) STRICT;
CREATE INDEX idx_schema_released ON schemas (released_at);

-- What the registry remembers of each repository between two syncs.
CREATE TABLE registry_repositories (
  repository      TEXT PRIMARY KEY,
  pack            TEXT NOT NULL UNIQUE,
  etag            TEXT,
  synced_at       TEXT,
  not_before      TEXT,
  lease_until     TEXT,
  last_outcome    TEXT CHECK (last_outcome IS NULL OR json_valid(last_outcome))
) STRICT;

-- Document 000's table: one current row per (configuration, device). Written by device reports.
CREATE TABLE deployments (
  id                TEXT PRIMARY KEY,
  workspace_id      TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  user_uuid         TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  config_id         TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  config_version    INTEGER NOT NULL,
  device_id         TEXT NOT NULL,
  device_hostname   TEXT NOT NULL,
  deployment_status TEXT NOT NULL CHECK (deployment_status IN ('pending', 'installing', 'active', 'failed')),
  installed_at      TEXT,
  last_checked      TEXT NOT NULL,
  error_message     TEXT
) STRICT;
CREATE UNIQUE INDEX idx_deploy_pair ON deployments (config_id, device_id);
CREATE INDEX idx_deploy_user ON deployments (workspace_id, config_version);
CREATE INDEX idx_deploy_device ON deployments (device_id);
CREATE INDEX idx_deploy_status ON deployments (deployment_status);

CREATE TABLE idempotency_keys (
  principal   TEXT NOT NULL,
  route       TEXT NOT NULL,
  key         TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  created_at  TEXT NOT NULL,
  PRIMARY KEY (principal, route, key)
) STRICT;
CREATE INDEX idx_idempotency_created ON idempotency_keys (created_at);

-- Append-only, gapless per workspace. One row per state change, in the batch of that change.
CREATE TABLE audit_log (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  seq          INTEGER NOT NULL CHECK (seq > 0),
  at           TEXT NOT NULL,
  actor        TEXT NOT NULL,
  action       TEXT NOT NULL,
  target       TEXT NOT NULL,
  payload      TEXT NOT NULL CHECK (json_valid(payload)),
  entry_digest TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_audit_seq ON audit_log (workspace_id, seq);

CREATE TRIGGER audit_log_no_update BEFORE UPDATE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only'); END;
CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
  OR NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM audit_log WHERE workspace_id = NEW.workspace_id)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only and gapless'); END;

-- Registry events are audited here; nobody is a member.
INSERT INTO workspaces (id, kind, name, created_at) VALUES ('system', 'system', 'System', '2026-11-21T00:00:00.000Z');
