-- The registry: what a release was found to be, webhooks, the fan-out of a release over configurations, and proposals.

-- `alarm` is why somebody must look at a version whose release no longer says what was admitted (JSON, null: nothing);
-- `yanked_reason` why it is not chosen anew. `matrix` counts what admission tried.
ALTER TABLE schemas ADD COLUMN alarm TEXT CHECK (alarm IS NULL OR json_valid(alarm));
ALTER TABLE schemas ADD COLUMN yanked_reason TEXT;
ALTER TABLE schemas ADD COLUMN matrix TEXT CHECK (matrix IS NULL OR json_valid(matrix));

-- `pending`: 1, the last sync had too much to do and the next minute goes on; 2, something failed and the next hour looks at
-- all pages. `full_synced_at`: when
-- all pages and tags were last looked at. `nudged_at`: a webhook said that there may be something.
ALTER TABLE registry_repositories ADD COLUMN full_synced_at TEXT;
ALTER TABLE registry_repositories ADD COLUMN pending INTEGER NOT NULL DEFAULT 0 CHECK (pending IN (0, 1, 2));
ALTER TABLE registry_repositories ADD COLUMN nudged_at TEXT;

CREATE TABLE webhook_deliveries (
  delivery_id TEXT PRIMARY KEY,
  event       TEXT NOT NULL,
  action      TEXT,
  repository  TEXT,
  received_at TEXT NOT NULL
) STRICT;
CREATE INDEX idx_deliveries_received ON webhook_deliveries (received_at);

-- One row per admitted version: how far its announcement to configurations has come. Moves by compare-and-set of the cursor,
-- so two that page at once make no gap and no double.
CREATE TABLE fanouts (
  pack           TEXT NOT NULL,
  schema_version TEXT NOT NULL,
  state          TEXT NOT NULL CHECK (state IN ('running', 'done')),
  cursor         TEXT NOT NULL DEFAULT '',
  seen           INTEGER NOT NULL DEFAULT 0 CHECK (seen >= 0),
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  PRIMARY KEY (pack, schema_version),
  FOREIGN KEY (pack, schema_version) REFERENCES schemas (pack, version) ON DELETE RESTRICT
) STRICT;
CREATE INDEX idx_fanouts_running ON fanouts (created_at) WHERE state = 'running';

-- What a release means for one configuration: the outbox of the fan-out. The primary key is why nobody is told twice.
CREATE TABLE upgrade_jobs (
  config_id       TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id    TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  pack            TEXT NOT NULL,
  schema_version  TEXT NOT NULL,
  state           TEXT NOT NULL CHECK (state IN ('queued', 'done')),
  outcome         TEXT,
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_at TEXT NOT NULL,
  created_at      TEXT NOT NULL,
  updated_at      TEXT NOT NULL,
  PRIMARY KEY (config_id, schema_version),
  CHECK ((state = 'done') = (outcome IS NOT NULL))
) STRICT;
CREATE INDEX idx_upgrades_due ON upgrade_jobs (next_attempt_at) WHERE state = 'queued';

-- A stored preview of one configuration on one schema version, until its owner decides. `base_version` is the configuration's
-- version that it was made from: accepting one whose base is old makes it anew.
CREATE TABLE proposals (
  id             TEXT PRIMARY KEY,
  workspace_id   TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  config_id      TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  pack           TEXT NOT NULL,
  from_version   TEXT NOT NULL,
  schema_version TEXT NOT NULL,
  base_version   INTEGER NOT NULL CHECK (base_version > 0),
  state          TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'dismissed', 'superseded')),
  class          TEXT NOT NULL CHECK (class IN ('identical', 'changed', 'restarts', 'data_risk', 'needs_input', 'fails')),
  preview        TEXT NOT NULL CHECK (json_valid(preview)),
  version_id     TEXT,
  decided_by     TEXT,
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  CHECK ((state = 'accepted') = (version_id IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX idx_proposal_version ON proposals (config_id, schema_version);
CREATE UNIQUE INDEX idx_proposal_open ON proposals (config_id) WHERE state = 'open';
CREATE INDEX idx_proposal_workspace ON proposals (workspace_id, created_at);

-- Counts of one admitted version over all live configurations, made in pages. `candidate` is the digest of a pack that is not
-- released (an operator's preview), '' for an admitted one.
CREATE TABLE impact_jobs (
  id             TEXT PRIMARY KEY,
  pack           TEXT NOT NULL,
  schema_version TEXT NOT NULL,
  candidate      TEXT NOT NULL DEFAULT '',
  state          TEXT NOT NULL CHECK (state IN ('running', 'done')),
  cursor         TEXT NOT NULL DEFAULT '',
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_impact_of ON impact_jobs (pack, schema_version, candidate);
CREATE INDEX idx_impact_running ON impact_jobs (created_at) WHERE state = 'running';

CREATE TABLE impact_results (
  job_id       TEXT NOT NULL REFERENCES impact_jobs (id) ON DELETE RESTRICT,
  config_id    TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  class        TEXT NOT NULL CHECK (class IN ('identical', 'changed', 'restarts', 'data_risk', 'needs_input', 'fails')),
  detail       TEXT NOT NULL CHECK (json_valid(detail)),
  PRIMARY KEY (job_id, config_id)
) STRICT;
CREATE INDEX idx_impact_workspace ON impact_results (workspace_id, job_id);
