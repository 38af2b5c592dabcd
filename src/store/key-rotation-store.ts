import type { SealedValue } from "#core/envelope.ts";
import { statement } from "#store/statement.ts";

export type RotationKind = "rewrap" | "reencrypt" | "import";

export type RotationRow = {
  id: string;
  kind: RotationKind;
  workspace_id: string;
  new_key: string | null;
  state: "running" | "finished" | "blocked";
  cursor: string;
  done: number;
  failed: number;
  requested_by: string;
  requested_at: string;
  updated_at: string;
  finished_at: string | null;
};

type NewRotation = { id: string; new_key: string | null; requested_by: string; now: string };

const columns = "(id, kind, workspace_id, new_key, state, requested_by, requested_at, updated_at)";

/** Of the whole server: its workspace is `system`. One of a kind runs at a time. */
const insertForAll = statement<NewRotation & { kind: RotationKind }>(
  `INSERT INTO key_rotations ${columns}
   SELECT :id, :kind, 'system', :new_key, 'running', :requested_by, :now, :now
   WHERE NOT EXISTS (SELECT 1 FROM key_rotations WHERE id = :id OR (kind = :kind AND state = 'running'))`,
  { crossesTenants: true },
);

/** Nothing where the workspace has no key yet. */
const insertForWorkspace = statement<NewRotation & { workspace_id: string }>(
  `INSERT INTO key_rotations ${columns}
   SELECT :id, 'reencrypt', k.workspace_id, :new_key, 'running', :requested_by, :now, :now FROM data_keys k
   WHERE k.workspace_id = :workspace_id AND k.purpose = 'encrypt' AND k.state = 'current' AND NOT EXISTS (
     SELECT 1 FROM key_rotations
     WHERE id = :id OR (kind = 'reencrypt' AND workspace_id = :workspace_id AND state = 'running'))`,
);

const selectRunning = statement<Record<string, never>, RotationRow>(
  "SELECT * FROM key_rotations WHERE state = 'running' ORDER BY requested_at LIMIT 20",
  { crossesTenants: true },
);
const selectOne = statement<{ id: string }, RotationRow>("SELECT * FROM key_rotations WHERE id = :id", {
  crossesTenants: true,
});
const selectPage = statement<{ limit: number }, RotationRow>(
  "SELECT * FROM key_rotations ORDER BY requested_at DESC, id LIMIT :limit",
  { crossesTenants: true },
);

/** What is still under the old key, by kind of rotation; an import does not know. */
const countRemaining = statement<{ id: string }, { n: number }>(
  `SELECT CASE r.kind
     WHEN 'reencrypt' THEN (SELECT COUNT(*) FROM secret_versions v WHERE v.workspace_id = r.workspace_id
                         AND v.data_key_id IS NOT NULL AND v.data_key_id <> r.new_key)
     WHEN 'rewrap' THEN (SELECT COUNT(*) FROM data_keys k WHERE k.wrapped_key IS NOT NULL AND k.kid <> r.new_key)
     ELSE 0 END AS n
   FROM key_rotations r WHERE r.id = :id`,
  { crossesTenants: true },
);

/** A value to be sealed anew, with all that it is bound to. */
export type ResealRow = SealedValue & {
  id: string;
  secret_id: string;
  name: string;
  version: number;
  data_key_id: string;
};

const selectToReseal = statement<{ workspace_id: string; new_key: string; after: string; limit: number }, ResealRow>(
  `SELECT v.id, v.secret_id, s.name, v.version, v.data_key_id, v.encrypted_value, v.nonce, v.auth_tag
   FROM secret_versions v JOIN secrets s ON s.id = v.secret_id
   WHERE v.workspace_id = :workspace_id AND v.data_key_id IS NOT NULL AND v.data_key_id <> :new_key AND v.id > :after
   ORDER BY v.id LIMIT :limit`,
);

// Compare-and-set per row: what was erased in between stays erased, and what another sweep did is done. The plus signs keep
// SQLite from walking the whole workspace and reading the page's JSON anew for each of its rows.
const reseal = statement<{ workspace_id: string; new_key: string; values: string }>(
  `UPDATE secret_versions SET data_key_id = :new_key, encrypted_value = j.value ->> 'encrypted_value',
     nonce = j.value ->> 'nonce', auth_tag = j.value ->> 'auth_tag'
   FROM json_each(:values) j
   WHERE secret_versions.id = j.value ->> 'id' AND +secret_versions.workspace_id = :workspace_id
     AND +secret_versions.data_key_id = j.value ->> 'data_key_id'`,
);

/** Their records in KV are still under the old key: to be written anew. */
const markUncopied = statement<{ workspace_id: string; change_id: string; values: string }>(
  `UPDATE secrets SET change_id = :change_id
   WHERE +workspace_id = :workspace_id AND id IN (SELECT j.value ->> 'secret_id' FROM json_each(:values) j)`,
);

// The place of the next page moves in the batch of the page; of two sweeps with one page, one counts it.
const advance = statement<{
  id: string;
  from_cursor: string;
  cursor: string;
  done: number;
  failed: number;
  now: string;
}>(
  `UPDATE key_rotations SET cursor = :cursor, done = done + :done, failed = failed + :failed, updated_at = :now
   WHERE id = :id AND state = 'running' AND cursor = :from_cursor`,
  { crossesTenants: true },
);

const UNDER_OLD_KEY = `CASE kind
  WHEN 'reencrypt' THEN EXISTS (SELECT 1 FROM secret_versions v WHERE v.workspace_id = key_rotations.workspace_id
                            AND v.data_key_id IS NOT NULL AND v.data_key_id <> key_rotations.new_key)
  WHEN 'rewrap' THEN EXISTS (SELECT 1 FROM data_keys k WHERE k.wrapped_key IS NOT NULL AND k.kid <> key_rotations.new_key)
  ELSE key_rotations.failed > 0 END`;

// Finished means that nothing is under the old key, asked in the batch itself; and, for values, no record in KV either.
const finish = statement<{ id: string; now: string }>(
  `UPDATE key_rotations SET state = CASE WHEN ${UNDER_OLD_KEY} THEN 'blocked' ELSE 'finished' END,
     finished_at = :now, updated_at = :now
   WHERE id = :id AND state = 'running' AND NOT (kind = 'reencrypt' AND EXISTS (
     SELECT 1 FROM secrets s WHERE s.workspace_id = key_rotations.workspace_id AND s.copied_change_id IS NOT s.change_id))`,
  { crossesTenants: true },
);

export const keyRotationStore = {
  insertForAll,
  insertForWorkspace,
  selectRunning,
  selectOne,
  selectPage,
  countRemaining,
  selectToReseal,
  reseal,
  markUncopied,
  advance,
  finish,
};
