import type { SealedValue } from "#core/envelope.ts";
import { statement } from "#store/statement.ts";

/** What KV should say of a secret: its newest sealed value, or nothing where it is deleted. */
export type SecretCopyRow = Omit<SealedValue, "encrypted_value"> & {
  secret_id: string;
  workspace_id: string;
  name: string;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
  last_rotated_at: string | null;
  rotation_count: number;
  deleted_at: string | null;
  change_id: string;
  encryption_version: number;
  data_key_id: string | null;
  encrypted_value: string | null;
};

const columns = `s.id AS secret_id, s.workspace_id, s.name, s.version, s.size_bytes, s.created_at, s.updated_at,
     s.last_rotated_at, s.rotation_count, s.deleted_at, s.change_id, COALESCE(v.encryption_version, 0) AS encryption_version,
     v.data_key_id, v.encrypted_value, COALESCE(v.nonce, '') AS nonce, COALESCE(v.auth_tag, '') AS auth_tag
   FROM secrets s LEFT JOIN secret_versions v ON v.secret_id = s.id AND v.version = s.version`;

const select = statement<{ secret_id: string }, SecretCopyRow>(`SELECT ${columns} WHERE s.id = :secret_id`, {
  crossesTenants: true,
});

const selectUncopied = statement<{ limit: number }, SecretCopyRow>(
  `SELECT ${columns} WHERE s.copied_change_id IS NOT s.change_id ORDER BY s.id LIMIT :limit`,
  { crossesTenants: true },
);

/** Compare-and-set: what changed while KV was written does not count as copied. Answers what does. */
const markCopied = statement<{ copied: string }, { id: string }>(
  `UPDATE secrets SET copied_change_id = change_id FROM json_each(:copied) j
   WHERE secrets.id = j.value ->> 'secret_id' AND +secrets.change_id = j.value ->> 'change_id' RETURNING secrets.id AS id`,
  { crossesTenants: true },
);

export const secretCopyStore = { select, markCopied, selectUncopied };

export const secretKey = (workspaceId: string, name: string) => `secrets:${workspaceId}:${name}`;

/**
 * Document 000's `SecretRecord`, field by field: a copy, written behind. Nothing reads it back, because KV lags by a minute and a deleted
 * secret would come back. The record has no place for the data key's id, so that stands in the key's metadata.
 */
export async function putSecretCopy(secrets: KVNamespace, row: SecretCopyRow): Promise<void> {
  const key = secretKey(row.workspace_id, row.name);
  if (row.deleted_at !== null || row.encrypted_value === null) return secrets.delete(key);
  const record = {
    secret_id: row.secret_id,
    user_uuid: row.workspace_id,
    name: row.name,
    encrypted_value: row.encrypted_value,
    nonce: row.nonce,
    auth_tag: row.auth_tag,
    encryption_version: row.encryption_version,
    version: row.version,
    created_at: row.created_at,
    updated_at: row.updated_at,
    last_accessed: null,
    metadata: {
      size_bytes: row.size_bytes,
      last_rotated_at: row.last_rotated_at,
      rotation_count: row.rotation_count,
    },
  };
  await secrets.put(key, JSON.stringify(record), { metadata: { data_key_id: row.data_key_id } });
}
