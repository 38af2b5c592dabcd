import { statement } from "#store/statement.ts";

export type SessionRow = {
  device_id: string;
  hostname: string;
  tailnet: string;
  key_thumbprint: string | null;
  created_at: string;
  last_seen: string;
  verified_at: string | null;
  revoked_at: string | null;
  revoked_reason: string | null;
};

const selectOwn = statement<{ user_uuid: string }, SessionRow>(
  `SELECT device_id, hostname, tailnet, key_thumbprint, created_at, last_seen, verified_at, revoked_at, revoked_reason
   FROM devices WHERE user_uuid = :user_uuid ORDER BY created_at, device_id`,
);

// A person's word: the key is forgotten too, so that whoever has the machine needs an approval to come back.
const revoke = statement<{ user_uuid: string; device_ids: string; now: string }>(
  `UPDATE devices SET revoked_at = :now, revoked_reason = 'user', key_thumbprint = NULL, token_epoch = token_epoch + 1
   WHERE user_uuid = :user_uuid AND device_id IN (SELECT value FROM json_each(:device_ids)) AND revoked_at IS NULL`,
);

export type ListedDevice = { user_uuid: string; device_id: string; login: string };

/** One page of a tailnet's devices that hold tokens, whoever's they are. */
const selectOfTailnet = statement<
  { tailnet: string; after_user: string; after_device: string; limit: number },
  ListedDevice
>(
  `SELECT d.user_uuid, d.device_id, u.tailscale_email AS login FROM devices d JOIN users u ON u.user_uuid = d.user_uuid
   WHERE d.tailnet = :tailnet AND d.revoked_at IS NULL AND (d.user_uuid, d.device_id) > (:after_user, :after_device)
   ORDER BY d.user_uuid, d.device_id LIMIT :limit`,
  { crossesTenants: true },
);

// Not if Tailscale vouched for it after the list was read. The key stays: a device that comes back proves itself by it.
const revokeUnlessVerified = statement<{
  user_uuid: string;
  device_id: string;
  reason: string;
  listed_at: string;
  now: string;
  change_id: string;
}>(
  `UPDATE devices SET revoked_at = :now, revoked_reason = :reason, token_epoch = token_epoch + 1, change_id = :change_id
   WHERE user_uuid = :user_uuid AND device_id = :device_id AND revoked_at IS NULL
     AND COALESCE(verified_at, created_at) < :listed_at`,
);

export const sessionStore = { selectOwn, revoke, selectOfTailnet, revokeUnlessVerified };
