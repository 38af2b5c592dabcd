-- Machine identities of a workspace (document 003). `user_uuid` is the person who made it and whose role bounds it.
-- `scopes` are permissions and `namespaces` path prefixes, as JSON arrays. `change_id` is the audit row's id of the newest
-- change: later statements of a batch hang on it, and two changes at once cannot both win. The row of a deleted one stays,
-- because its work names it.
CREATE TABLE generators (
  id                TEXT PRIMARY KEY,
  workspace_id      TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  user_uuid         TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  name              TEXT NOT NULL,
  description       TEXT,
  scopes            TEXT NOT NULL CHECK (json_valid(scopes)),
  namespaces        TEXT NOT NULL CHECK (json_valid(namespaces)),
  requests_per_hour INTEGER NOT NULL CHECK (requests_per_hour > 0),
  expires_at        TEXT NOT NULL,
  change_id         TEXT NOT NULL,
  created_at        TEXT NOT NULL,
  rotated_at        TEXT,
  last_used_at      TEXT,
  deleted_at        TEXT
) STRICT;
CREATE UNIQUE INDEX idx_generators_name ON generators (workspace_id, name) WHERE deleted_at IS NULL;
CREATE INDEX idx_generators_workspace ON generators (workspace_id, created_at);

-- SHA-256 of a token of 256 random bits: nothing to guess, so nothing to salt. `not_after` ends a token that was rotated.
CREATE TABLE generator_tokens (
  token_hash   TEXT PRIMARY KEY,
  generator_id TEXT NOT NULL REFERENCES generators (id) ON DELETE RESTRICT,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  created_at   TEXT NOT NULL,
  not_after    TEXT
) STRICT;
CREATE INDEX idx_generator_tokens_generator ON generator_tokens (generator_id);
