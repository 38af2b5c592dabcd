-- What devices say about themselves and about the versions they install. deployments is the current row that document 000
-- names; deployment_events beside it is append-only and holds every report that was accepted, late ones too.
ALTER TABLE devices ADD COLUMN podman_version TEXT;
ALTER TABLE devices ADD COLUMN agent_version TEXT;
ALTER TABLE devices ADD COLUMN labels TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(labels));
-- The audit row of the newest change: a change that changed nothing has none.
ALTER TABLE devices ADD COLUMN change_id TEXT;

-- A report is newer than another when its boot is, or when it is of the same boot and its sequence is higher.
CREATE TABLE device_boots (
  user_uuid  TEXT NOT NULL,
  device_id  TEXT NOT NULL,
  boot_id    TEXT NOT NULL,
  ordinal    INTEGER NOT NULL CHECK (ordinal > 0),
  first_seen TEXT NOT NULL,
  PRIMARY KEY (user_uuid, device_id, boot_id),
  FOREIGN KEY (user_uuid, device_id) REFERENCES devices (user_uuid, device_id) ON DELETE RESTRICT
) STRICT;
CREATE UNIQUE INDEX idx_boots_ordinal ON device_boots (user_uuid, device_id, ordinal);

CREATE TABLE deployment_events (
  sequence_id       INTEGER PRIMARY KEY AUTOINCREMENT,
  id                TEXT NOT NULL UNIQUE,
  workspace_id      TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  user_uuid         TEXT NOT NULL,
  device_id         TEXT NOT NULL,
  config_id         TEXT NOT NULL REFERENCES configurations (id) ON DELETE RESTRICT,
  epoch             INTEGER NOT NULL,
  version           INTEGER NOT NULL,
  manifest_checksum TEXT NOT NULL,
  boot_id           TEXT NOT NULL,
  boot_ordinal      INTEGER NOT NULL,
  sequence          INTEGER NOT NULL,
  state             TEXT NOT NULL CHECK (state IN ('fetched', 'written', 'generated', 'started', 'healthy', 'failed', 'removed')),
  is_drifted        INTEGER NOT NULL CHECK (is_drifted IN (0, 1)),
  payload           TEXT NOT NULL CHECK (json_valid(payload)),
  is_applied        INTEGER NOT NULL CHECK (is_applied IN (0, 1)),
  received_at       TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX idx_events_report ON deployment_events (user_uuid, device_id, config_id, boot_id, sequence);
CREATE INDEX idx_events_config ON deployment_events (workspace_id, config_id, sequence_id);

CREATE TRIGGER deployment_events_no_update BEFORE UPDATE ON deployment_events
BEGIN SELECT RAISE(ABORT, 'deployment_events is append-only'); END;
CREATE TRIGGER deployment_events_no_delete BEFORE DELETE ON deployment_events
BEGIN SELECT RAISE(ABORT, 'deployment_events is append-only'); END;
-- IGNORE and not ABORT: the same report sent twice is a repeat, not a fault.
CREATE TRIGGER deployment_events_no_replace BEFORE INSERT ON deployment_events
WHEN EXISTS (SELECT 1 FROM deployment_events WHERE id = NEW.id OR sequence_id = NEW.sequence_id
             OR (user_uuid = NEW.user_uuid AND device_id = NEW.device_id AND config_id = NEW.config_id
                 AND boot_id = NEW.boot_id AND sequence = NEW.sequence))
BEGIN SELECT RAISE(IGNORE); END;

-- config_version, state and the times are what the device proved; assigned_* is what the server last handed to it.
ALTER TABLE deployments ADD COLUMN epoch INTEGER;
ALTER TABLE deployments ADD COLUMN manifest_checksum TEXT;
ALTER TABLE deployments ADD COLUMN boot_ordinal INTEGER;
ALTER TABLE deployments ADD COLUMN sequence INTEGER;
ALTER TABLE deployments ADD COLUMN state TEXT NOT NULL DEFAULT 'assigned'
  CHECK (state IN ('assigned', 'fetched', 'written', 'generated', 'started', 'healthy', 'failed', 'removed'));
ALTER TABLE deployments ADD COLUMN is_drifted INTEGER NOT NULL DEFAULT 0 CHECK (is_drifted IN (0, 1));
ALTER TABLE deployments ADD COLUMN assigned_epoch INTEGER;
ALTER TABLE deployments ADD COLUMN assigned_version INTEGER;
ALTER TABLE deployments ADD COLUMN assigned_at TEXT;
ALTER TABLE deployments ADD COLUMN fetched_at TEXT;
ALTER TABLE deployments ADD COLUMN written_at TEXT;
ALTER TABLE deployments ADD COLUMN generated_at TEXT;
ALTER TABLE deployments ADD COLUMN started_at TEXT;
ALTER TABLE deployments ADD COLUMN healthy_at TEXT;
ALTER TABLE deployments ADD COLUMN failed_at TEXT;
ALTER TABLE deployments ADD COLUMN removed_at TEXT;
ALTER TABLE deployments ADD COLUMN drifted_at TEXT;
