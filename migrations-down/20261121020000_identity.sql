DROP TABLE failed_guards;
DROP TABLE used_proofs;
DROP TABLE one_time_codes;
DROP TABLE device_requests;
DROP INDEX idx_devices_tailnet;
ALTER TABLE devices DROP COLUMN revoked_reason;
ALTER TABLE devices DROP COLUMN verified_at;
ALTER TABLE devices DROP COLUMN key_thumbprint;
ALTER TABLE users DROP COLUMN enrolled_at;
