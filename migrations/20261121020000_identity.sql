-- Device keys, approvals, one-time codes, and what makes a proof usable once (DESIGN 11, RFC 9449).

-- Set when an account's first key is enrolled, and never taken back: from then on claims alone open nothing.
ALTER TABLE users ADD COLUMN enrolled_at TEXT;

-- RFC 7638 thumbprint of the device's Ed25519 key. A revocation by a person forgets it; one by the hourly check does not.
ALTER TABLE devices ADD COLUMN key_thumbprint TEXT;
-- When Tailscale last vouched for it: the hourly check revokes nothing that was verified after its list was read.
ALTER TABLE devices ADD COLUMN verified_at TEXT;
ALTER TABLE devices ADD COLUMN revoked_reason TEXT;
CREATE INDEX idx_devices_tailnet ON devices (tailnet, user_uuid, device_id) WHERE revoked_at IS NULL;

-- A sign-in that waits for an enrolled device's yes. One row per device and what asks for it: its key, or, for a client
-- without keys, the address that it calls from.
CREATE TABLE device_requests (
  id             TEXT PRIMARY KEY,
  user_uuid      TEXT NOT NULL REFERENCES users (user_uuid) ON DELETE RESTRICT,
  device_id      TEXT NOT NULL,
  hostname       TEXT NOT NULL,
  tailnet        TEXT NOT NULL,
  key_thumbprint TEXT NOT NULL DEFAULT '',
  address        TEXT NOT NULL DEFAULT '',
  cli_version    TEXT,
  state          TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'used')),
  requested_at   TEXT NOT NULL,
  expires_at     TEXT NOT NULL,
  decided_at     TEXT,
  decided_by     TEXT
) STRICT;
CREATE UNIQUE INDEX idx_device_requests_asker ON device_requests (user_uuid, device_id, key_thumbprint, address);
CREATE INDEX idx_device_requests_expiry ON device_requests (expires_at);

-- Shown once, stored as SHA-256 (each has 80 random bits), usable once. `enrolment` is an operator's for a login that may
-- not exist yet; `recovery` is a user's own.
CREATE TABLE one_time_codes (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL CHECK (kind IN ('enrolment', 'recovery')),
  code_hash  TEXT NOT NULL UNIQUE,
  login      TEXT,
  user_uuid  TEXT REFERENCES users (user_uuid) ON DELETE RESTRICT,
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  expires_at TEXT,
  used_at    TEXT,
  CHECK ((kind = 'enrolment') = (login IS NOT NULL AND expires_at IS NOT NULL)),
  CHECK ((kind = 'recovery') = (user_uuid IS NOT NULL))
) STRICT;
CREATE INDEX idx_one_time_codes_user ON one_time_codes (user_uuid) WHERE used_at IS NULL;

-- A proof that caused a write, until it is too old to be accepted anyway. The row is inserted in the batch of the write:
-- the second of two equal proofs conflicts, and its whole batch does nothing. `request_id` lets one request write twice.
CREATE TABLE used_proofs (
  key_thumbprint TEXT NOT NULL,
  jti            TEXT NOT NULL,
  request_id     TEXT NOT NULL,
  expires_at     TEXT NOT NULL,
  PRIMARY KEY (key_thumbprint, jti)
) STRICT;
CREATE INDEX idx_used_proofs_expiry ON used_proofs (expires_at);

-- Nothing can be inserted here: a statement that would, because what was read before no longer holds, ends its batch.
CREATE TABLE failed_guards (
  reason TEXT NOT NULL CONSTRAINT failed_guard CHECK (reason IS NULL)
) STRICT;
