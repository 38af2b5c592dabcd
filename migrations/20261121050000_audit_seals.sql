-- D1 cannot hash, so the sweep chains ranges of audit rows: each seal covers the rows after the one before it, names that
-- seal's digest, and is signed. A copy in R2, made once, shows a tail that was dropped together with its seals.
CREATE TABLE audit_seals (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE RESTRICT,
  from_seq     INTEGER NOT NULL CHECK (from_seq > 0),
  to_seq       INTEGER NOT NULL CHECK (to_seq >= from_seq),
  digest       TEXT NOT NULL,
  signature    TEXT NOT NULL,
  sealed_at    TEXT NOT NULL,
  PRIMARY KEY (workspace_id, to_seq)
) STRICT;
CREATE UNIQUE INDEX idx_seals_from ON audit_seals (workspace_id, from_seq);

CREATE TRIGGER audit_seals_no_update BEFORE UPDATE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'audit_seals is append-only'); END;
CREATE TRIGGER audit_seals_no_delete BEFORE DELETE ON audit_seals
BEGIN SELECT RAISE(ABORT, 'audit_seals is append-only'); END;
CREATE TRIGGER audit_seals_in_order BEFORE INSERT ON audit_seals
WHEN NEW.from_seq <> 1 + (SELECT COALESCE(MAX(to_seq), 0) FROM audit_seals WHERE workspace_id = NEW.workspace_id)
  OR EXISTS (SELECT 1 FROM audit_seals WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'audit_seals is append-only and gapless'); END;

-- How far the sealer came, as rowids of audit_log and audit_seals: nothing is ever deleted from either, so they only grow.
CREATE TABLE audit_sealer (
  id           INTEGER PRIMARY KEY CHECK (id = 1),
  sealed_rowid INTEGER NOT NULL,
  copied_rowid INTEGER NOT NULL
) STRICT;
INSERT INTO audit_sealer (id, sealed_rowid, copied_rowid) VALUES (1, 0, 0);

-- As before, and against INSERT OR REPLACE by rowid, which fires no delete trigger.
DROP TRIGGER audit_log_in_order;
CREATE TRIGGER audit_log_in_order BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id OR rowid = NEW.rowid)
  OR NEW.seq <> 1 + (SELECT COALESCE(MAX(seq), 0) FROM audit_log WHERE workspace_id = NEW.workspace_id)
BEGIN SELECT RAISE(ABORT, 'audit_log is append-only and gapless'); END;
