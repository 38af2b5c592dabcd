-- Secrets: ciphertext, version and access facts. D1 is what reads use; the KV record of document 000 is a copy.

-- Keys of one workspace, wrapped by an entry (`kid`) of the operator's key ring. `encrypt` is the data key of its values;
-- `fingerprint` keys the HMACs of idempotency rows, so that no stored digest lets anybody guess a short secret. A retired
-- key has no bytes any more.
CREATE TABLE data_keys (
  id           TEXT PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  purpose      TEXT NOT NULL CHECK (purpose IN ('encrypt', 'fingerprint')),
  state        TEXT NOT NULL CHECK (state IN ('current', 'retiring', 'retired')),
  kid          TEXT NOT NULL,
  wrapped_key  TEXT,
  nonce        TEXT,
  created_at   TEXT NOT NULL,
  retired_at   TEXT,
  CHECK ((state = 'retired') = (wrapped_key IS NULL)),
  CHECK ((wrapped_key IS NULL) = (nonce IS NULL))
) STRICT;
CREATE UNIQUE INDEX idx_data_keys_current ON data_keys (workspace_id, purpose) WHERE state = 'current';
CREATE INDEX idx_data_keys_workspace ON data_keys (workspace_id, state);
CREATE INDEX idx_data_keys_kid ON data_keys (kid) WHERE wrapped_key IS NOT NULL;

-- One row per name, for ever: a name that was deleted and is set again goes on counting, so that (workspace, name,
-- version) names one value only and an old ciphertext can never stand for a new one. `change_id` is new with every
-- change of what the KV record says, and `copied_change_id` is the one that KV was last written for.
CREATE TABLE secrets (
  id               TEXT PRIMARY KEY,
  workspace_id     TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  name             TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^a-zA-Z0-9_-]*'),
  version          INTEGER NOT NULL CHECK (version >= 0),
  size_bytes       INTEGER NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
  created_at       TEXT NOT NULL,
  updated_at       TEXT NOT NULL,
  last_rotated_at  TEXT,
  rotation_count   INTEGER NOT NULL DEFAULT 0 CHECK (rotation_count >= 0),
  last_accessed    TEXT,
  access_count     INTEGER NOT NULL DEFAULT 0 CHECK (access_count >= 0),
  deleted_at       TEXT,
  purged_at        TEXT,
  change_id        TEXT NOT NULL,
  copied_change_id TEXT,
  CHECK (purged_at IS NULL OR deleted_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX idx_secrets_name ON secrets (workspace_id, name);
CREATE INDEX idx_secrets_uncopied ON secrets (id) WHERE copied_change_id IS NOT change_id;
CREATE INDEX idx_secrets_deleted ON secrets (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;

-- Every value that a name ever had; of those that are too old, deleted for too long, or purged, the metadata only. `is_first`: the name was new, or deleted.
CREATE TABLE secret_versions (
  id                 TEXT PRIMARY KEY,
  secret_id          TEXT NOT NULL REFERENCES secrets (id) ON DELETE RESTRICT,
  workspace_id       TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  version            INTEGER NOT NULL CHECK (version > 0),
  encryption_version INTEGER NOT NULL CHECK (encryption_version = 2),
  data_key_id        TEXT REFERENCES data_keys (id) ON DELETE RESTRICT,
  encrypted_value    TEXT,
  nonce              TEXT,
  auth_tag           TEXT,
  size_bytes         INTEGER NOT NULL CHECK (size_bytes BETWEEN 1 AND 10240),
  is_first           INTEGER NOT NULL CHECK (is_first IN (0, 1)),
  created_at         TEXT NOT NULL,
  created_by         TEXT NOT NULL,
  CHECK ((encrypted_value IS NULL) = (data_key_id IS NULL)),
  CHECK ((encrypted_value IS NULL) = (nonce IS NULL)),
  CHECK ((encrypted_value IS NULL) = (auth_tag IS NULL))
) STRICT;
CREATE UNIQUE INDEX idx_secret_versions_number ON secret_versions (secret_id, version);
CREATE INDEX idx_secret_versions_workspace ON secret_versions (workspace_id, id) WHERE data_key_id IS NOT NULL;
CREATE INDEX idx_secret_versions_key ON secret_versions (data_key_id, id) WHERE data_key_id IS NOT NULL;

-- Which secrets the newest render of a configuration needs, with what its schema says of them: written with the render.
CREATE TABLE secret_uses (
  config_id     TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  name          TEXT NOT NULL,
  version       INTEGER NOT NULL,
  is_required   INTEGER NOT NULL CHECK (is_required IN (0, 1)),
  decision      TEXT,
  rotation_days INTEGER CHECK (rotation_days IS NULL OR rotation_days > 0),
  generate      TEXT CHECK (generate IS NULL OR json_valid(generate)),
  PRIMARY KEY (config_id, name)
) STRICT;
CREATE INDEX idx_secret_uses_name ON secret_uses (workspace_id, name);

-- Rotations of keys, and the import of v0.1's records: jobs that the sweep drives page by page. `cursor` is where the
-- next page begins, moved in the batch of the page. `workspace_id` is 'system' for those that cross workspaces.
CREATE TABLE key_rotations (
  id           TEXT PRIMARY KEY,
  kind         TEXT NOT NULL CHECK (kind IN ('rewrap', 'reencrypt', 'import')),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  new_key      TEXT,
  state        TEXT NOT NULL CHECK (state IN ('running', 'finished', 'blocked')),
  cursor       TEXT NOT NULL DEFAULT '',
  done         INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
  failed       INTEGER NOT NULL DEFAULT 0 CHECK (failed >= 0),
  requested_by TEXT NOT NULL,
  requested_at TEXT NOT NULL,
  updated_at   TEXT NOT NULL,
  finished_at  TEXT
) STRICT;
CREATE UNIQUE INDEX idx_key_rotations_running ON key_rotations (kind, workspace_id) WHERE state = 'running';
CREATE INDEX idx_key_rotations_requested ON key_rotations (requested_at);
