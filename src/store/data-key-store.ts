import type { KeyPurpose } from "#core/envelope.ts";
import { statement } from "#store/statement.ts";

export type DataKeyRow = {
  id: string;
  workspace_id: string;
  purpose: KeyPurpose;
  kid: string;
  wrapped_key: string;
  nonce: string;
};

const columns = "id, workspace_id, purpose, kid, wrapped_key, nonce";

/** At most two rows: the key that new values are sealed under, and the one of fingerprints. */
const selectCurrent = statement<{ workspace_id: string }, DataKeyRow>(
  `SELECT ${columns} FROM data_keys WHERE workspace_id = :workspace_id AND state = 'current'`,
);

const selectOne = statement<{ workspace_id: string; id: string }, DataKeyRow>(
  `SELECT ${columns} FROM data_keys WHERE workspace_id = :workspace_id AND id = :id AND wrapped_key IS NOT NULL`,
);

// Two first secrets at once both mint a key: the second finds one there, and its guard, which names its own, fails.
const insert = statement<DataKeyRow & { created_at: string }>(
  `INSERT INTO data_keys (id, workspace_id, purpose, state, kid, wrapped_key, nonce, created_at)
   SELECT :id, w.id, :purpose, 'current', :kid, :wrapped_key, :nonce, :created_at FROM workspaces w
   WHERE w.id = :workspace_id AND NOT EXISTS (
     SELECT 1 FROM data_keys WHERE id = :id
       OR (workspace_id = :workspace_id AND purpose = :purpose AND state = 'current'))`,
);

/** From here on nothing new is sealed under it; what is, is sealed anew by the rotation that says so. */
const retire = statement<{ workspace_id: string; rotation_id: string }>(
  `UPDATE data_keys SET state = 'retiring'
   WHERE workspace_id = :workspace_id AND purpose = 'encrypt' AND state = 'current' AND EXISTS (
     SELECT 1 FROM key_rotations WHERE id = :rotation_id AND workspace_id = :workspace_id AND new_key <> data_keys.id)`,
);

// The bytes go when no value needs them any more: then nobody can use the old key again, whatever they have copied.
const erase = statement<{ workspace_id: string; rotation_id: string; now: string }>(
  `UPDATE data_keys SET state = 'retired', wrapped_key = NULL, nonce = NULL, retired_at = :now
   WHERE workspace_id = :workspace_id AND state = 'retiring'
     AND NOT EXISTS (SELECT 1 FROM secret_versions WHERE data_key_id = data_keys.id)
     AND EXISTS (SELECT 1 FROM key_rotations WHERE id = :rotation_id AND state = 'finished')`,
);

/** Keys of all workspaces that another entry than `kid` wrapped, by id. */
const selectWrappedByOthers = statement<{ kid: string; after: string; limit: number }, DataKeyRow>(
  `SELECT ${columns} FROM data_keys
   WHERE wrapped_key IS NOT NULL AND kid <> :kid AND id > :after ORDER BY id LIMIT :limit`,
  { crossesTenants: true },
);

// Compare-and-set on the entry that wrapped it: of two sweeps with one page, the second changes nothing.
const rewrap = statement<{ keys: string }>(
  `UPDATE data_keys SET kid = j.value ->> 'kid', wrapped_key = j.value ->> 'wrapped_key', nonce = j.value ->> 'nonce'
   FROM json_each(:keys) j
   WHERE data_keys.id = j.value ->> 'id' AND data_keys.kid = j.value ->> 'old_kid' AND wrapped_key IS NOT NULL`,
  { crossesTenants: true },
);

/** Which entries of the ring are in use, and by how many keys. */
const countByKid = statement<Record<string, never>, { kid: string; keys: number }>(
  "SELECT kid, COUNT(*) AS keys FROM data_keys WHERE wrapped_key IS NOT NULL GROUP BY kid ORDER BY kid",
  { crossesTenants: true },
);

export const dataKeyStore = {
  selectCurrent,
  selectOne,
  insert,
  retire,
  erase,
  selectWrappedByOthers,
  rewrap,
  countByKid,
};
