import { statement } from "#store/statement.ts";

/**
 * Statements that end their batch when what was decided on no longer holds: they insert, exactly then, into a table that
 * takes no row. D1 undoes the whole batch, so a decision and its write are one step although they are two round trips.
 */

/** One value for everything that a sign-in decides on; two readings of it are equal only while nothing changed. */
export const SIGN_IN_STATE = `(SELECT json_array(u.enrolled_at, u.token_epoch, d.token_epoch, d.key_thumbprint, d.revoked_at)
   FROM (SELECT 1) LEFT JOIN users u ON u.user_uuid = :user_uuid
   LEFT JOIN devices d ON d.user_uuid = :user_uuid AND d.device_id = :device_id)`;

const signInUnchanged = statement<{ user_uuid: string; device_id: string; state: string }>(
  `INSERT INTO failed_guards (reason) SELECT 'account' WHERE ${SIGN_IN_STATE} IS NOT :state`,
);

const codeUnused = statement<{ id: string }>(
  `INSERT INTO failed_guards (reason)
   SELECT 'code' WHERE NOT EXISTS (SELECT 1 FROM one_time_codes WHERE id = :id AND used_at IS NULL)`,
);

const requestIs = statement<{ id: string; user_uuid: string; state: string; now: string }>(
  `INSERT INTO failed_guards (reason)
   SELECT 'request' WHERE NOT EXISTS (SELECT 1 FROM device_requests
     WHERE id = :id AND user_uuid = :user_uuid AND state = :state AND expires_at > :now)`,
);

export const guardStore = { signInUnchanged, codeUnused, requestIs };

/** Whether a batch ended because one of these guards failed. */
export const isFailedGuard = (cause: unknown): boolean =>
  cause instanceof Error && /constraint failed: failed_guard/.test(cause.message);
