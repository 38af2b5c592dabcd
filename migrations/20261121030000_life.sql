-- The life of a configuration: purges (the one exception to "write once"), and uploads.

-- An explicit erasure, and its job: the row stands before the erasure in one batch, and the triggers below allow exactly
-- what it names. The removal from R2 and KV is resumed by the sweep at (`pass`, `cursor_version`) until nothing is left.
CREATE TABLE purges (
  id              TEXT PRIMARY KEY,
  workspace_id    TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  config_id       TEXT NOT NULL UNIQUE REFERENCES configurations (id) ON DELETE RESTRICT,
  requested_by    TEXT NOT NULL,
  requested_at    TEXT NOT NULL,
  pass            INTEGER NOT NULL DEFAULT 1 CHECK (pass IN (1, 2)),
  cursor_version  INTEGER NOT NULL DEFAULT 0 CHECK (cursor_version >= 0),
  objects_removed INTEGER NOT NULL DEFAULT 0 CHECK (objects_removed >= 0),
  next_attempt_at TEXT NOT NULL,
  finished_at     TEXT
) STRICT;
CREATE INDEX idx_purges_due ON purges (next_attempt_at) WHERE finished_at IS NULL;
CREATE INDEX idx_purges_workspace ON purges (workspace_id, requested_at);

CREATE TRIGGER purges_no_delete BEFORE DELETE ON purges
BEGIN SELECT RAISE(ABORT, 'purges is append-only'); END;
CREATE TRIGGER purges_progress_only BEFORE UPDATE ON purges
WHEN NEW.id <> OLD.id OR NEW.workspace_id <> OLD.workspace_id OR NEW.config_id <> OLD.config_id
  OR NEW.requested_by <> OLD.requested_by OR NEW.requested_at <> OLD.requested_at OR OLD.finished_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'purges is append-only'); END;
CREATE TRIGGER purges_no_replace BEFORE INSERT ON purges
WHEN EXISTS (SELECT 1 FROM purges WHERE id = NEW.id OR config_id = NEW.config_id)
BEGIN SELECT RAISE(ABORT, 'purges is append-only'); END;
-- Only what is deleted already can be purged: a purge must never be how somebody learns that devices still used it.
CREATE TRIGGER purges_of_deleted_only BEFORE INSERT ON purges
WHEN NOT EXISTS (SELECT 1 FROM configurations WHERE id = NEW.config_id AND workspace_id = NEW.workspace_id
                 AND deleted_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'only a deleted configuration can be purged'); END;

-- A version stays as it was written, except that a purge may turn its content into the marker. Everything else of the
-- row (numbers, authors, times, schema) is history and stays.
DROP TRIGGER configuration_versions_no_update;
CREATE TRIGGER configuration_versions_no_update BEFORE UPDATE ON configuration_versions
WHEN NOT (
  EXISTS (SELECT 1 FROM purges WHERE config_id = OLD.config_id AND workspace_id = OLD.workspace_id)
  AND NEW.config_data = '{"purged":true}' AND NEW.changes_summary IS NULL
  AND NEW.id IS OLD.id AND NEW.config_id IS OLD.config_id AND NEW.workspace_id IS OLD.workspace_id
  AND NEW.epoch IS OLD.epoch AND NEW.version IS OLD.version AND NEW.pack IS OLD.pack
  AND NEW.schema_version IS OLD.schema_version AND NEW.podman_target IS OLD.podman_target
  AND NEW.parent_version IS OLD.parent_version AND NEW.origin IS OLD.origin AND NEW.created_by IS OLD.created_by
  AND NEW.cli_version IS OLD.cli_version AND NEW.created_at IS OLD.created_at)
BEGIN SELECT RAISE(ABORT, 'configuration_versions is immutable'); END;

-- A purged configuration has no next version, whoever writes it.
CREATE TRIGGER configuration_versions_not_after_purge BEFORE INSERT ON configuration_versions
WHEN EXISTS (SELECT 1 FROM purges WHERE config_id = NEW.config_id)
BEGIN SELECT RAISE(ABORT, 'the configuration was purged'); END;

-- Hard deletion is refused even where no foreign key would (a row without children).
CREATE TRIGGER configurations_no_delete BEFORE DELETE ON configurations
BEGIN SELECT RAISE(ABORT, 'configurations are deleted softly; erasure is a purge'); END;
CREATE TRIGGER configurations_no_replace BEFORE INSERT ON configurations
WHEN EXISTS (SELECT 1 FROM configurations WHERE id = NEW.id
             OR (workspace_id = NEW.workspace_id AND version = NEW.version AND NEW.version > 0)
             OR (workspace_id = NEW.workspace_id AND namespace = NEW.namespace AND deployment_name = NEW.deployment_name
                 AND deleted_at IS NULL AND NEW.deleted_at IS NULL))
BEGIN SELECT RAISE(ABORT, 'configurations are deleted softly; erasure is a purge'); END;
CREATE TRIGGER render_jobs_no_delete BEFORE DELETE ON render_jobs
BEGIN SELECT RAISE(ABORT, 'render_jobs are kept'); END;

-- What stands in R2 under uploads/{workspace}/{sha256}. The row comes before the object, so that an upload which ended in
-- between is found and collected: after `collect_after`, which a commit sets to null. `collecting` closes the race between a
-- collection and an upload of the same bytes.
CREATE TABLE uploads (
  workspace_id  TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  sha256        TEXT NOT NULL CHECK (length(sha256) = 64),
  size_bytes    INTEGER NOT NULL CHECK (size_bytes >= 0),
  collect_after TEXT,
  collecting    INTEGER NOT NULL DEFAULT 0 CHECK (collecting IN (0, 1)),
  PRIMARY KEY (workspace_id, sha256)
) STRICT;
CREATE INDEX idx_uploads_collectable ON uploads (collect_after) WHERE collect_after IS NOT NULL;

-- Which files a version of origin upload (or a rollback to one) ships. Immutable, like the version.
CREATE TABLE upload_files (
  version_id   TEXT NOT NULL REFERENCES configuration_versions (id) ON DELETE RESTRICT,
  workspace_id TEXT NOT NULL,
  filename     TEXT NOT NULL,
  sha256       TEXT NOT NULL,
  PRIMARY KEY (version_id, filename),
  FOREIGN KEY (workspace_id, sha256) REFERENCES uploads (workspace_id, sha256) ON DELETE RESTRICT
) STRICT;
CREATE INDEX idx_upload_files_object ON upload_files (workspace_id, sha256);

CREATE TRIGGER upload_files_no_update BEFORE UPDATE ON upload_files
BEGIN SELECT RAISE(ABORT, 'upload_files is immutable'); END;
CREATE TRIGGER upload_files_no_delete BEFORE DELETE ON upload_files
WHEN NOT EXISTS (SELECT 1 FROM configuration_versions v JOIN purges p ON p.config_id = v.config_id
                 WHERE v.id = OLD.version_id)
BEGIN SELECT RAISE(ABORT, 'upload_files is immutable'); END;
CREATE TRIGGER upload_files_no_replace BEFORE INSERT ON upload_files
WHEN EXISTS (SELECT 1 FROM upload_files WHERE version_id = NEW.version_id AND filename = NEW.filename)
BEGIN SELECT RAISE(ABORT, 'upload_files is immutable'); END;
