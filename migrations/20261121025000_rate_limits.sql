-- What was spent of each limit, per holder (a user, a device, a generator, an address). `slots` counts by twelfths of the
-- window: {"5892341": 3}. `grant_id` names the newest request that was let through, so that later statements of the same
-- batch can hang on it. Rows are worth nothing after `expires_at`; the sweep collects them.
CREATE TABLE rate_limits (
  name       TEXT NOT NULL,
  holder     TEXT NOT NULL,
  slots      TEXT NOT NULL CHECK (json_valid(slots)),
  grant_id   TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  PRIMARY KEY (name, holder)
) WITHOUT ROWID, STRICT;
CREATE INDEX idx_rate_limits_expires ON rate_limits (expires_at);
