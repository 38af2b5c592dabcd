import { statement } from "#store/statement.ts";

type Use = { key_thumbprint: string; jti: string; request_id: string };

const selectUse = statement<Use, { found: number }>(
  `SELECT 1 AS found FROM used_proofs
   WHERE key_thumbprint = :key_thumbprint AND jti = :jti AND request_id <> :request_id`,
);

// Another request's row makes this a conflict, which undoes the batch; the same request may write more than once.
const insertUse = statement<Use & { expires_at: string }>(
  `INSERT INTO used_proofs (key_thumbprint, jti, request_id, expires_at)
   SELECT :key_thumbprint, :jti, :request_id, :expires_at
   WHERE NOT EXISTS (SELECT 1 FROM used_proofs
     WHERE key_thumbprint = :key_thumbprint AND jti = :jti AND request_id = :request_id)`,
);

const removeExpired = statement<{ now: string; limit: number }>(
  `DELETE FROM used_proofs WHERE rowid IN (SELECT rowid FROM used_proofs WHERE expires_at < :now LIMIT :limit)`,
  { crossesTenants: true },
);

export const proofStore = { selectUse, insertUse, removeExpired };

/** Whether a batch ended because its proof was used by another request. */
export const isReplay = (cause: unknown): boolean =>
  cause instanceof Error && /constraint failed: used_proofs/.test(cause.message);
