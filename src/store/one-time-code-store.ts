import { statement } from "#store/statement.ts";

export type OneTimeCodeRow = { id: string; kind: "enrolment" | "recovery" };

/** An unused code that is meant for this user: their own recovery code, or the operator's for their login. */
const selectUsable = statement<{ code_hash: string; user_uuid: string; login: string; now: string }, OneTimeCodeRow>(
  `SELECT id, kind FROM one_time_codes
   WHERE code_hash = :code_hash AND used_at IS NULL AND (expires_at IS NULL OR expires_at > :now)
     AND (user_uuid = :user_uuid OR login = :login)`,
);

const insertRecovery = statement<{ codes: string; user_uuid: string; created_by: string; now: string }>(
  `INSERT INTO one_time_codes (id, kind, code_hash, user_uuid, created_by, created_at)
   SELECT value ->> 'id', 'recovery', value ->> 'hash', :user_uuid, :created_by, :now FROM json_each(:codes)`,
);

const insertEnrolment = statement<{
  id: string;
  code_hash: string;
  login: string;
  created_by: string;
  now: string;
  expires_at: string;
}>(
  `INSERT INTO one_time_codes (id, kind, code_hash, login, created_by, created_at, expires_at)
   VALUES (:id, 'enrolment', :code_hash, :login, :created_by, :now, :expires_at)`,
);

const markUsed = statement<{ id: string; now: string }>(
  "UPDATE one_time_codes SET used_at = :now WHERE id = :id AND used_at IS NULL",
);

/** Ends a user's unused recovery codes; the new set stands in the same batch. */
const endRecovery = statement<{ user_uuid: string }>(
  "DELETE FROM one_time_codes WHERE user_uuid = :user_uuid AND kind = 'recovery' AND used_at IS NULL",
);

const countRecovery = statement<{ user_uuid: string }, { count: number }>(
  "SELECT COUNT(*) AS count FROM one_time_codes WHERE user_uuid = :user_uuid AND kind = 'recovery' AND used_at IS NULL",
);

const removeExpired = statement<{ now: string; limit: number }>(
  `DELETE FROM one_time_codes WHERE id IN (SELECT id FROM one_time_codes WHERE expires_at < :now LIMIT :limit)`,
  { crossesTenants: true },
);

export const oneTimeCodeStore = {
  selectUsable,
  insertRecovery,
  insertEnrolment,
  markUsed,
  endRecovery,
  countRecovery,
  removeExpired,
};
