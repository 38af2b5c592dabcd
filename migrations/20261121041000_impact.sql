-- Impact: how far a job has come and what it counted, and candidates: packs that an operator looks at before they are released.

-- `total` and `seen` count live configurations of the pack; the six classes those that could move. `workspaces` (JSON by class,
-- when done) says how many workspaces stand behind a count: fewer than five are not shown to others. `next_attempt_at` is the
-- lease, and `attempts` counts pages that were begun since one was committed: one that dies again and again is made smaller.
ALTER TABLE impact_jobs ADD COLUMN total INTEGER NOT NULL DEFAULT 0 CHECK (total >= 0);
ALTER TABLE impact_jobs ADD COLUMN seen INTEGER NOT NULL DEFAULT 0 CHECK (seen >= 0);
ALTER TABLE impact_jobs ADD COLUMN identical INTEGER NOT NULL DEFAULT 0 CHECK (identical >= 0);
ALTER TABLE impact_jobs ADD COLUMN changed INTEGER NOT NULL DEFAULT 0 CHECK (changed >= 0);
ALTER TABLE impact_jobs ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0 CHECK (restarts >= 0);
ALTER TABLE impact_jobs ADD COLUMN data_risk INTEGER NOT NULL DEFAULT 0 CHECK (data_risk >= 0);
ALTER TABLE impact_jobs ADD COLUMN needs_input INTEGER NOT NULL DEFAULT 0 CHECK (needs_input >= 0);
ALTER TABLE impact_jobs ADD COLUMN fails INTEGER NOT NULL DEFAULT 0 CHECK (fails >= 0);
ALTER TABLE impact_jobs ADD COLUMN workspaces TEXT CHECK (workspaces IS NULL OR json_valid(workspaces));
ALTER TABLE impact_jobs ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0);
ALTER TABLE impact_jobs ADD COLUMN next_attempt_at TEXT NOT NULL DEFAULT '';
CREATE INDEX idx_impact_class ON impact_results (job_id, class, workspace_id);

-- A pack that is not released: its content is in R2 as `candidates/{digest}.json` until `expires_at`, in no backup, and in no
-- list of schemas. `collecting`: its content is being removed, so nobody may count on it.
CREATE TABLE pack_candidates (
  digest         TEXT PRIMARY KEY,
  pack           TEXT NOT NULL,
  schema_version TEXT NOT NULL,
  podman_min     TEXT NOT NULL,
  podman_max     TEXT,
  report         TEXT NOT NULL CHECK (json_valid(report)),
  matrix         TEXT CHECK (matrix IS NULL OR json_valid(matrix)),
  compatibility  TEXT CHECK (compatibility IS NULL OR json_valid(compatibility)),
  collecting     INTEGER NOT NULL DEFAULT 0 CHECK (collecting IN (0, 1)),
  created_at     TEXT NOT NULL,
  expires_at     TEXT NOT NULL
) STRICT;
CREATE INDEX idx_candidates_expiry ON pack_candidates (expires_at);
