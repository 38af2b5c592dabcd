import { statement } from "#store/statement.ts";

export type DeviceRequestRow = {
  id: string;
  device_id: string;
  hostname: string;
  tailnet: string;
  key_thumbprint: string;
  address: string;
  cli_version: string | null;
  state: "pending" | "approved" | "denied" | "used";
  requested_at: string;
  expires_at: string;
};

/** Who asks: a key, or a client without one at an address. The other of the two is empty. */
type Asker = { user_uuid: string; device_id: string; key_thumbprint: string; address: string };

const COLUMNS =
  "id, device_id, hostname, tailnet, key_thumbprint, address, cli_version, state, requested_at, expires_at";

const selectOfAsker = statement<Asker & { now: string }, DeviceRequestRow>(
  `SELECT ${COLUMNS} FROM device_requests
   WHERE user_uuid = :user_uuid AND device_id = :device_id AND key_thumbprint = :key_thumbprint AND address = :address
     AND expires_at > :now`,
);

const selectWaiting = statement<{ user_uuid: string; now: string }, DeviceRequestRow>(
  `SELECT ${COLUMNS} FROM device_requests WHERE user_uuid = :user_uuid AND expires_at > :now AND state <> 'used'
   ORDER BY requested_at, id`,
);

/** Makes room: what has expired or was used, and the oldest beyond the limit. A client that still waits asks again. */
const makeRoom = statement<{ user_uuid: string; now: string; keep: number }>(
  `DELETE FROM device_requests WHERE user_uuid = :user_uuid AND (expires_at <= :now OR state = 'used' OR id IN (
     SELECT id FROM device_requests WHERE user_uuid = :user_uuid AND state = 'pending'
     ORDER BY requested_at DESC, id LIMIT -1 OFFSET :keep))`,
);

// Asking again keeps the row and with it the code on the screen; a denial stays one until it expires.
const insert = statement<
  Asker & { id: string; hostname: string; tailnet: string; cli_version: string | null; now: string; expires_at: string }
>(
  `INSERT INTO device_requests (id, user_uuid, device_id, hostname, tailnet, key_thumbprint, address, cli_version, state,
                                requested_at, expires_at)
   SELECT :id, :user_uuid, :device_id, :hostname, :tailnet, :key_thumbprint, :address, :cli_version, 'pending', :now, :expires_at
   WHERE true ON CONFLICT (user_uuid, device_id, key_thumbprint, address) DO UPDATE SET expires_at = excluded.expires_at
   WHERE state = 'pending'`,
);

const decide = statement<{
  id: string;
  user_uuid: string;
  state: "approved" | "denied";
  decided_by: string;
  now: string;
  expires_at: string;
}>(
  `UPDATE device_requests SET state = :state, decided_by = :decided_by, decided_at = :now, expires_at = :expires_at
   WHERE id = :id AND user_uuid = :user_uuid AND state = 'pending'`,
);

const markUsed = statement<{ id: string; user_uuid: string }>(
  "UPDATE device_requests SET state = 'used' WHERE id = :id AND user_uuid = :user_uuid AND state = 'approved'",
);

const removeOfDevices = statement<{ user_uuid: string; device_ids: string }>(
  `DELETE FROM device_requests
   WHERE user_uuid = :user_uuid AND device_id IN (SELECT value FROM json_each(:device_ids))`,
);

const removeExpired = statement<{ now: string; limit: number }>(
  `DELETE FROM device_requests WHERE id IN (SELECT id FROM device_requests WHERE expires_at < :now LIMIT :limit)`,
  { crossesTenants: true },
);

export const deviceRequestStore = {
  selectOfAsker,
  selectWaiting,
  makeRoom,
  insert,
  decide,
  markUsed,
  removeOfDevices,
  removeExpired,
};
