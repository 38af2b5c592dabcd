import { SIGN_IN_STATE } from "#store/guard-store.ts";
import { statement } from "#store/statement.ts";

export type SignIn = {
  user_uuid: string;
  tailscale_user_id: string;
  tailscale_email: string;
  tailnet: string;
  display_name: string | null;
  device_id: string;
  device_hostname: string;
  cli_version: string | null;
  /** The device's key from now on; null for a client without one. */
  key_thumbprint?: string | null;
  now: string;
};

export type UserRow = {
  user_uuid: string;
  tailscale_user_id: string;
  tailscale_email: string;
  tailnet: string;
  display_name: string | null;
  created_at: string;
  last_seen: string;
  last_device_id: string;
  last_device_hostname: string;
  cli_version: string | null;
  total_authentications: number;
  token_epoch: number;
  device_token_epoch: number;
  key_thumbprint: string | null;
};

// `enrolled_at` is set with the first key and stays: an account that once had keys never opens to claims alone again.
const upsertUser = statement<Required<SignIn>>(
  `INSERT INTO users (user_uuid, tailscale_user_id, tailscale_email, tailnet, display_name, created_at, last_seen,
                      last_device_id, last_device_hostname, cli_version, total_authentications, enrolled_at)
   VALUES (:user_uuid, :tailscale_user_id, :tailscale_email, :tailnet, :display_name, :now, :now,
           :device_id, :device_hostname, :cli_version, 1, CASE WHEN :key_thumbprint IS NULL THEN NULL ELSE :now END)
   ON CONFLICT (user_uuid) DO UPDATE SET
     tailscale_email = excluded.tailscale_email, tailnet = excluded.tailnet, display_name = excluded.display_name,
     last_seen = excluded.last_seen, last_device_id = excluded.last_device_id,
     last_device_hostname = excluded.last_device_hostname, cli_version = excluded.cli_version,
     total_authentications = total_authentications + 1, enrolled_at = COALESCE(enrolled_at, excluded.enrolled_at)`,
);

const insertPersonalWorkspace = statement<{ user_uuid: string; name: string; now: string }>(
  `INSERT INTO workspaces (id, kind, name, created_at) VALUES (:user_uuid, 'personal', :name, :now)
   ON CONFLICT (id) DO NOTHING`,
);

const insertOwnMembership = statement<{ user_uuid: string; now: string }>(
  `INSERT INTO memberships (workspace_id, user_uuid, role, created_at) VALUES (:user_uuid, :user_uuid, 'admin', :now)
   ON CONFLICT (workspace_id, user_uuid) DO NOTHING`,
);

// A device that was revoked and is verified again, or has another key now, gets tokens of a new epoch: the old ones stay dead.
const upsertDevice = statement<{
  user_uuid: string;
  device_id: string;
  tailnet: string;
  device_hostname: string;
  key_thumbprint: string | null;
  now: string;
}>(
  `INSERT INTO devices (device_id, user_uuid, workspace_id, tailnet, hostname, created_at, last_seen, verified_at,
                        key_thumbprint)
   VALUES (:device_id, :user_uuid, :user_uuid, :tailnet, :device_hostname, :now, :now, :now, :key_thumbprint)
   ON CONFLICT (user_uuid, device_id) DO UPDATE SET
     tailnet = excluded.tailnet, hostname = excluded.hostname, last_seen = excluded.last_seen,
     verified_at = excluded.verified_at,
     token_epoch = token_epoch + (revoked_at IS NOT NULL OR key_thumbprint IS NOT excluded.key_thumbprint),
     key_thumbprint = excluded.key_thumbprint, revoked_at = NULL, revoked_reason = NULL`,
);

const selectSignedIn = statement<{ user_uuid: string; device_id: string }, UserRow>(
  `SELECT u.*, d.token_epoch AS device_token_epoch, d.key_thumbprint
   FROM users u JOIN devices d ON d.user_uuid = u.user_uuid AND d.device_id = :device_id
   WHERE u.user_uuid = :user_uuid`,
);

export type AccountRow = { state: string; enrolled_at: string | null; key_thumbprint: string | null };

/** What a sign-in decides on; one row, also where there is no account yet. `state` goes into the guard of its batch. */
const selectAccount = statement<{ user_uuid: string; device_id: string }, AccountRow>(
  `SELECT ${SIGN_IN_STATE} AS state, (SELECT enrolled_at FROM users WHERE user_uuid = :user_uuid) AS enrolled_at,
     (SELECT key_thumbprint FROM devices WHERE user_uuid = :user_uuid AND device_id = :device_id) AS key_thumbprint`,
);

// At most one write per device and five minutes, whatever a device polls.
const touchDevice = statement<{ user_uuid: string; device_id: string; now: string; stale_before: string }>(
  `UPDATE devices SET last_seen = :now
   WHERE user_uuid = :user_uuid AND device_id = :device_id AND last_seen < :stale_before`,
);

export const userStore = {
  /** Everything a sign-in writes, as one list for a batch; the last statement reads the result back. */
  signIn: (db: D1Database, signIn: SignIn): D1PreparedStatement[] => [
    upsertUser.bind(db, { key_thumbprint: null, ...signIn }),
    insertPersonalWorkspace.bind(db, { user_uuid: signIn.user_uuid, name: signIn.tailscale_email, now: signIn.now }),
    insertOwnMembership.bind(db, { user_uuid: signIn.user_uuid, now: signIn.now }),
    upsertDevice.bind(db, {
      user_uuid: signIn.user_uuid,
      device_id: signIn.device_id,
      tailnet: signIn.tailnet,
      device_hostname: signIn.device_hostname,
      key_thumbprint: signIn.key_thumbprint ?? null,
      now: signIn.now,
    }),
  ],
  selectSignedIn,
  selectAccount,
  touchDevice,
};

/** Document 000's `UserRecord`, key `user:{user_uuid}`: a copy for whoever reads KV, written behind; nothing reads it back. */
export async function putUserRecord(users: KVNamespace, row: UserRow): Promise<void> {
  const record = {
    user_uuid: row.user_uuid,
    tailscale_user_id: row.tailscale_user_id,
    tailscale_email: row.tailscale_email,
    tailnet: row.tailnet,
    display_name: row.display_name,
    created_at: row.created_at,
    last_seen: row.last_seen,
    last_device_id: row.last_device_id,
    last_device_hostname: row.last_device_hostname,
    metadata: { cli_version: row.cli_version ?? "", total_authentications: row.total_authentications },
  };
  await users.put(`user:${row.user_uuid}`, JSON.stringify(record));
}
