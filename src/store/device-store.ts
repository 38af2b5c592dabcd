import { statement } from "#store/statement.ts";

export type DeviceRow = {
  user_uuid: string;
  device_id: string;
  tailnet: string;
  hostname: string;
  podman_version: string | null;
  agent_version: string | null;
  labels: string;
  revoked_at: string | null;
  created_at: string;
  last_seen: string;
};

const columns = `d.user_uuid, d.device_id, d.tailnet, d.hostname, d.podman_version, d.agent_version, d.labels, d.revoked_at,
  d.created_at, d.last_seen`;

/** Devices of the workspace's members. */
const selectPage = statement<
  { workspace_id: string; after_user: string; after_device: string; limit: number },
  DeviceRow
>(
  `SELECT ${columns} FROM memberships m JOIN devices d ON d.user_uuid = m.user_uuid
   WHERE m.workspace_id = :workspace_id AND (d.user_uuid, d.device_id) > (:after_user, :after_device)
   ORDER BY d.user_uuid, d.device_id LIMIT :limit`,
);

const selectOwn = statement<{ user_uuid: string; device_id: string }, DeviceRow>(
  `SELECT ${columns} FROM devices d WHERE d.user_uuid = :user_uuid AND d.device_id = :device_id`,
);

// A null keeps what is there. `change_id` moves only where something changed, so that the audit row can hang on it.
const describe = statement<{
  user_uuid: string;
  device_id: string;
  hostname: string | null;
  podman_version: string | null;
  agent_version: string | null;
  labels: string | null;
  change_id: string;
}>(
  `UPDATE devices SET hostname = COALESCE(:hostname, hostname), podman_version = COALESCE(:podman_version, podman_version),
     agent_version = COALESCE(:agent_version, agent_version), labels = COALESCE(:labels, labels), change_id = :change_id
   WHERE user_uuid = :user_uuid AND device_id = :device_id
     AND (COALESCE(:hostname, hostname) IS NOT hostname OR COALESCE(:podman_version, podman_version) IS NOT podman_version
       OR COALESCE(:agent_version, agent_version) IS NOT agent_version OR COALESCE(:labels, labels) IS NOT labels)`,
);

const insertBoot = statement<{ user_uuid: string; device_id: string; boot_id: string; now: string }>(
  `INSERT INTO device_boots (user_uuid, device_id, boot_id, ordinal, first_seen)
   SELECT :user_uuid, :device_id, :boot_id,
     1 + (SELECT COALESCE(MAX(ordinal), 0) FROM device_boots WHERE user_uuid = :user_uuid AND device_id = :device_id), :now
   WHERE NOT EXISTS (SELECT 1 FROM device_boots
                     WHERE user_uuid = :user_uuid AND device_id = :device_id AND boot_id = :boot_id)`,
);

export const deviceStore = { selectPage, selectOwn, describe, insertBoot };
