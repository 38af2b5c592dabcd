import type { SealedValue } from "#core/envelope.ts";
import { statement } from "#store/statement.ts";

/** Values of a name that stay readable after newer ones were set: enough to go back from a rotation that went wrong. */
export const VALUES_KEPT = 5;

/** A name with its facts; never a value. */
export type SecretRow = {
  id: string;
  workspace_id: string;
  name: string;
  version: number;
  size_bytes: number;
  created_at: string;
  updated_at: string;
  last_rotated_at: string | null;
  rotation_count: number;
  last_accessed: string | null;
  access_count: number;
  deleted_at: string | null;
  purged_at: string | null;
  change_id: string;
  copied_change_id: string | null;
};

const columns = `s.id, s.workspace_id, s.name, s.version, s.size_bytes, s.created_at, s.updated_at, s.last_rotated_at,
  s.rotation_count, s.last_accessed, s.access_count, s.deleted_at, s.purged_at, s.change_id, s.copied_change_id`;

type ByName = { workspace_id: string; name: string };

/** Also where it is deleted: the row stays, so that its numbers go on. */
const selectByName = statement<ByName, SecretRow>(
  `SELECT ${columns} FROM secrets s WHERE s.workspace_id = :workspace_id AND s.name = :name`,
);

// The reminder of the strictest schema among those configurations that need the secret now.
const rotationDays = `(SELECT MIN(u.rotation_days) FROM secret_uses u
   JOIN deployment_heads h ON h.config_id = u.config_id AND h.version = u.version
   WHERE u.workspace_id = s.workspace_id AND u.name = s.name) AS rotation_days`;

export type ListedSecretRow = SecretRow & { rotation_days: number | null };

const selectLive = statement<{ workspace_id: string }, ListedSecretRow>(
  `SELECT ${columns}, ${rotationDays} FROM secrets s
   WHERE s.workspace_id = :workspace_id AND s.deleted_at IS NULL ORDER BY s.name`,
);

/** Which of these names (a JSON array) are stored now. */
const selectStored = statement<{ workspace_id: string; names: string }, { name: string }>(
  `SELECT name FROM secrets WHERE workspace_id = :workspace_id AND deleted_at IS NULL
     AND name IN (SELECT j.value FROM json_each(:names) j)`,
);

const selectListed = statement<ByName, ListedSecretRow>(
  `SELECT ${columns}, ${rotationDays} FROM secrets s WHERE s.workspace_id = :workspace_id AND s.name = :name`,
);

export type SecretVersionRow = {
  id: string;
  version: number;
  size_bytes: number;
  created_at: string;
  created_by: string;
  is_kept: number;
};

const selectVersions = statement<ByName, SecretVersionRow>(
  `SELECT v.id, v.version, v.size_bytes, v.created_at, v.created_by, v.encrypted_value IS NOT NULL AS is_kept
   FROM secret_versions v JOIN secrets s ON s.id = v.secret_id
   WHERE s.workspace_id = :workspace_id AND s.name = :name ORDER BY v.version DESC LIMIT 100`,
);

/** A sealed value with the key that opens it. */
export type SealedVersionRow = SealedValue & {
  version_id: string;
  name: string;
  version: number;
  data_key_id: string;
  kid: string;
  wrapped_key: string;
  key_nonce: string;
};

const sealed = `v.id AS version_id, s.name, v.version, v.data_key_id, v.encrypted_value, v.nonce, v.auth_tag,
  k.kid, k.wrapped_key, k.nonce AS key_nonce`;

/** `version` null: the newest. Nothing comes out of a deleted secret, or where the value was erased. */
const selectSealed = statement<ByName & { version: number | null }, SealedVersionRow>(
  `SELECT ${sealed} FROM secrets s
   JOIN secret_versions v ON v.secret_id = s.id AND v.version = COALESCE(:version, s.version)
   JOIN data_keys k ON k.id = v.data_key_id
   WHERE s.workspace_id = :workspace_id AND s.name = :name AND s.deleted_at IS NULL`,
);

/** What a version of a name was, for the answer to its set and to a replay of that. */
export type SetSecretRow = {
  version_id: string;
  secret_id: string;
  name: string;
  version: number;
  at: string;
  /** 1 where the name was new, or deleted. */
  is_first: number;
};

const selectSet = statement<{ workspace_id: string; version_id: string }, SetSecretRow>(
  `SELECT v.id AS version_id, s.id AS secret_id, s.name, v.version, v.created_at AS at, v.is_first FROM secret_versions v
   JOIN secrets s ON s.id = v.secret_id WHERE v.id = :version_id AND v.workspace_id = :workspace_id`,
);

const isCurrentKey = `EXISTS (SELECT 1 FROM data_keys WHERE id = :data_key_id AND workspace_id = :workspace_id
   AND purpose = 'encrypt' AND state = 'current')`;

// Guarded by the key as well as by the name, as the version after it is: so either both are inserted or none.
const insert = statement<
  ByName & { id: string; data_key_id: string; change_id: string; now: string; secrets_max: number }
>(
  `INSERT INTO secrets (id, workspace_id, name, version, created_at, updated_at, change_id)
   SELECT :id, w.id, :name, 0, :now, :now, :change_id FROM workspaces w
   WHERE w.id = :workspace_id AND ${isCurrentKey}
     AND (SELECT COUNT(*) FROM secrets WHERE workspace_id = :workspace_id) < :secrets_max
     AND NOT EXISTS (SELECT 1 FROM secrets WHERE id = :id OR (workspace_id = :workspace_id AND name = :name))`,
);

export type NewSecretVersion = ByName &
  SealedValue & {
    id: string;
    /** The version that the value was sealed after; 0 for a new name. The guard of the whole batch. */
    parent: number;
    data_key_id: string;
    encryption_version: number;
    size_bytes: number;
    created_at: string;
    created_by: string;
  };

const insertVersion = statement<NewSecretVersion>(
  `INSERT INTO secret_versions (id, secret_id, workspace_id, version, encryption_version, data_key_id, encrypted_value,
     nonce, auth_tag, size_bytes, is_first, created_at, created_by)
   SELECT :id, s.id, s.workspace_id, s.version + 1, :encryption_version, :data_key_id, :encrypted_value, :nonce,
     :auth_tag, :size_bytes, s.version = 0 OR s.deleted_at IS NOT NULL, :created_at, :created_by
   FROM secrets s
   WHERE s.workspace_id = :workspace_id AND s.name = :name AND s.version = :parent AND ${isCurrentKey}`,
);

/** A name of v0.1 with the facts that it had, where D1 has never had that name: the first import wins. */
const insertImported = statement<
  ByName & {
    id: string;
    data_key_id: string;
    version: number;
    size_bytes: number;
    created_at: string;
    updated_at: string;
    last_rotated_at: string | null;
    rotation_count: number;
    change_id: string;
  }
>(
  `INSERT INTO secrets (id, workspace_id, name, version, size_bytes, created_at, updated_at, last_rotated_at,
     rotation_count, change_id)
   SELECT :id, w.id, :name, :version, :size_bytes, :created_at, :updated_at, :last_rotated_at, :rotation_count, :change_id
   FROM workspaces w
   WHERE w.id = :workspace_id AND ${isCurrentKey}
     AND NOT EXISTS (SELECT 1 FROM secrets WHERE id = :id OR (workspace_id = :workspace_id AND name = :name))`,
);

const insertImportedVersion = statement<Omit<NewSecretVersion, "parent"> & { secret_id: string; version: number }>(
  `INSERT INTO secret_versions (id, secret_id, workspace_id, version, encryption_version, data_key_id, encrypted_value,
     nonce, auth_tag, size_bytes, is_first, created_at, created_by)
   SELECT :id, s.id, s.workspace_id, s.version, :encryption_version, :data_key_id, :encrypted_value, :nonce,
     :auth_tag, :size_bytes, 1, :created_at, :created_by
   FROM secrets s
   WHERE s.id = :secret_id AND s.workspace_id = :workspace_id AND s.name = :name AND s.version = :version
     AND s.deleted_at IS NULL AND ${isCurrentKey} AND NOT EXISTS (SELECT 1 FROM secret_versions WHERE secret_id = s.id)`,
);

const ERASED = "data_key_id = NULL, encrypted_value = NULL, nonce = NULL, auth_tag = NULL";

/** Stands before `followVersion`, which makes a deleted name live again. Of a deleted name nothing older is kept. */
const eraseOlder = statement<{ workspace_id: string; version_id: string }>(
  `UPDATE secret_versions SET ${ERASED}
   FROM secret_versions n JOIN secrets s ON s.id = n.secret_id
   WHERE n.id = :version_id AND secret_versions.secret_id = s.id AND secret_versions.workspace_id = :workspace_id
     AND secret_versions.encrypted_value IS NOT NULL AND secret_versions.version < n.version
     AND (s.deleted_at IS NOT NULL OR secret_versions.version <= n.version - ${VALUES_KEPT})`,
);

// A name that is new, or was deleted, begins anew: only its numbers go on.
const begins = "(secrets.version = 0 OR secrets.deleted_at IS NOT NULL)";

const followVersion = statement<{ workspace_id: string; version_id: string; change_id: string }>(
  `UPDATE secrets SET version = v.version, size_bytes = v.size_bytes, updated_at = v.created_at, change_id = :change_id,
     created_at = CASE WHEN ${begins} THEN v.created_at ELSE secrets.created_at END,
     last_rotated_at = CASE WHEN ${begins} THEN NULL ELSE v.created_at END,
     rotation_count = CASE WHEN ${begins} THEN 0 ELSE secrets.rotation_count + 1 END,
     last_accessed = CASE WHEN ${begins} THEN NULL ELSE secrets.last_accessed END,
     access_count = CASE WHEN ${begins} THEN 0 ELSE secrets.access_count END,
     deleted_at = NULL, purged_at = NULL
   FROM (SELECT secret_id, version, size_bytes, created_at FROM secret_versions WHERE id = :version_id) v
   WHERE secrets.id = v.secret_id AND secrets.workspace_id = :workspace_id AND secrets.version < v.version`,
);

const touch = statement<ByName & { version_id: string; now: string }>(
  `UPDATE secrets SET last_accessed = MAX(COALESCE(last_accessed, ''), :now), access_count = access_count + 1
   WHERE workspace_id = :workspace_id AND name = :name AND deleted_at IS NULL
     AND EXISTS (SELECT 1 FROM secret_versions WHERE id = :version_id AND encrypted_value IS NOT NULL)`,
);

type Change = ByName & { change_id: string };

const softDelete = statement<Change & { now: string }>(
  `UPDATE secrets SET deleted_at = :now, change_id = :change_id
   WHERE workspace_id = :workspace_id AND name = :name AND deleted_at IS NULL`,
);

const undelete = statement<Change & { deleted_after: string }>(
  `UPDATE secrets SET deleted_at = NULL, change_id = :change_id
   WHERE workspace_id = :workspace_id AND name = :name AND purged_at IS NULL AND deleted_at > :deleted_after`,
);

const markPurged = statement<Change & { now: string }>(
  `UPDATE secrets SET purged_at = :now, size_bytes = 0, change_id = :change_id
   WHERE workspace_id = :workspace_id AND name = :name AND deleted_at IS NOT NULL AND purged_at IS NULL`,
);

const erasePurged = statement<Change>(
  `UPDATE secret_versions SET ${ERASED}
   WHERE workspace_id = :workspace_id AND encrypted_value IS NOT NULL
     AND secret_id = (SELECT id FROM secrets WHERE workspace_id = :workspace_id AND name = :name
                      AND change_id = :change_id AND purged_at IS NOT NULL)`,
);

/** Deleted for longer than anybody may want them back. */
const selectExpired = statement<{ deleted_before: string; limit: number }, { workspace_id: string; name: string }>(
  `SELECT workspace_id, name FROM secrets
   WHERE deleted_at IS NOT NULL AND purged_at IS NULL AND deleted_at < :deleted_before ORDER BY deleted_at LIMIT :limit`,
  { crossesTenants: true },
);

const count = statement<{ workspace_id: string }, { n: number }>(
  "SELECT COUNT(*) AS n FROM secrets WHERE workspace_id = :workspace_id",
);

export const secretStore = {
  selectByName,
  count,
  selectLive,
  selectListed,
  selectStored,
  selectVersions,
  selectSealed,
  selectSet,
  insert,
  insertVersion,
  insertImported,
  insertImportedVersion,
  eraseOlder,
  followVersion,
  touch,
  softDelete,
  undelete,
  markPurged,
  erasePurged,
  selectExpired,
};
