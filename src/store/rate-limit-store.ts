import type { RateRow } from "#core/rate-limits.ts";
import { statement } from "#store/statement.ts";

export type Take = {
  name: string;
  holder: string;
  cost: number;
  max: number;
  /** As text: a key of the JSON. */
  slot: string;
  /** Slots up to this one count no more. */
  beyond: number;
  grant_id: string;
  expires_at: string;
};

/**
 * Takes `cost` of a limit, or writes nothing: one conditional upsert, exact because D1 runs one batch at a time. `max` is
 * an SQL expression (a parameter, or a subselect that scales it) and `where` what must hold besides, so that a token that
 * was revoked spends nothing of its owner's.
 */
export const takeSql = ({ max = ":max", where = "1" }: { max?: string; where?: string } = {}) =>
  `INSERT INTO rate_limits (name, holder, slots, grant_id, expires_at)
   SELECT :name, :holder, json_object(:slot, CAST(:cost AS INTEGER)), :grant_id, :expires_at WHERE :cost <= ${max} AND ${where}
   ON CONFLICT (name, holder) DO UPDATE SET grant_id = excluded.grant_id, expires_at = excluded.expires_at,
     slots = (SELECT json_group_object(slot, spent) FROM (
       SELECT slot, SUM(spent) AS spent FROM (
         SELECT key AS slot, value AS spent FROM json_each(rate_limits.slots) WHERE CAST(key AS INTEGER) > :beyond
         UNION ALL SELECT :slot, CAST(:cost AS INTEGER))
       GROUP BY slot))
   WHERE :cost + (SELECT COALESCE(SUM(value), 0) FROM json_each(rate_limits.slots)
                  WHERE CAST(key AS INTEGER) > :beyond) <= ${max}`;

const take = statement<Take>(takeSql());

const isLive = `EXISTS (SELECT 1 FROM users u JOIN devices d ON d.user_uuid = u.user_uuid AND d.device_id = :device_id
       WHERE u.user_uuid = :user_uuid AND u.token_epoch = :ue AND d.token_epoch = :te AND d.revoked_at IS NULL)`;
type LiveDevice = { user_uuid: string; device_id: string; te: number; ue: number };

/** For a signed token: as long as it was not revoked. The same words as the principal's own query. */
const takeByDevice = statement<Take & LiveDevice>(takeSql({ where: isLive }));

// A device reads each secret at each poll: 24 polls in an hour are let through for each secret that there is.
const secretReadsMax = `(:max + 24 * (SELECT COUNT(*) FROM secrets WHERE workspace_id = :workspace_id AND deleted_at IS NULL))`;
const takeSecretRead = statement<Take & LiveDevice & { workspace_id: string }>(
  takeSql({ max: secretReadsMax, where: isLive }),
);
const selectSecretReads = statement<{ name: string; holder: string; max: number; workspace_id: string }, RateRow>(
  `SELECT slots, grant_id, ${secretReadsMax} AS max FROM rate_limits WHERE name = :name AND holder = :holder`,
);

/** How the limit stands after the statements before it in the batch. */
const select = statement<{ name: string; holder: string }, RateRow>(
  "SELECT slots, grant_id FROM rate_limits WHERE name = :name AND holder = :holder",
);

const removeExpired = statement<{ now: string }>("DELETE FROM rate_limits WHERE expires_at < :now");

export const rateLimitStore = { take, takeByDevice, takeSecretRead, select, selectSecretReads, removeExpired };
