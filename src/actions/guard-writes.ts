import { AppError } from "#core/errors.ts";
import { NONCE_SECONDS } from "#core/nonce.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { isReplay, proofStore } from "#store/proof-store.ts";
import { isWrite } from "#store/statement.ts";

/** Isolates' clocks differ: a used proof is remembered a little longer than its nonce is good. */
const SPARE_SECONDS = 60;

export type GuardedWrites = {
  /** The same database; its first batch of reads and its first batch of writes are about the proof too. */
  db: D1Database;
  /** Remembers the proof of a request that was served without a write of its own. */
  settle(): Promise<void>;
};

/**
 * Makes a proof good for one request that changes something, without the actions knowing. The first batch that reads also
 * looks whether the proof was used; the first that writes also inserts (key, jti), so that of two requests with one proof
 * at the same moment the second's whole batch is undone. No round trip is added: both ride in batches that exist anyway.
 */
export function guardWrites(
  { db, clock, ids }: Pick<Deps, "db" | "clock" | "ids">,
  proof: { thumbprint: string; jti: string },
): GuardedWrites {
  const use = { key_thumbprint: proof.thumbprint, jti: proof.jti, request_id: ids.uuid() };
  const expires_at = toInstant(secondsAfter(clock.now(), NONCE_SECONDS + SPARE_SECONDS));
  const remember = () => proofStore.insertUse.bind(db, { ...use, expires_at });
  let isChecked = false;
  let isRemembered = false;

  const batch = async (statements: D1PreparedStatement[]): Promise<D1Result[]> => {
    if (!isRemembered && statements.some(isWrite)) {
      const [, ...results] = await refusingReplays(() => db.batch([remember(), ...statements]));
      isRemembered = true;
      return results;
    }
    if (isChecked) return db.batch(statements);
    const [found, ...results] = await db.batch([proofStore.selectUse.bind(db, use), ...statements]);
    isChecked = true;
    if (proofStore.selectUse.rows(found).length > 0) throw AppError.of("proof_replayed", {});
    return results;
  };
  return {
    db: { ...bound(db), batch: batch as D1Database["batch"] },
    settle: async () => {
      if (!isRemembered) await refusingReplays(() => db.batch([remember()]));
      isRemembered = true;
    },
  };
}

async function refusingReplays<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw isReplay(cause) ? AppError.of("proof_replayed", {}, { cause }) : cause;
  }
}

const bound = (db: D1Database): Omit<D1Database, "batch"> => ({
  prepare: (sql) => db.prepare(sql),
  exec: (sql) => db.exec(sql),
  withSession: (constraint) => db.withSession(constraint),
  dump: () => db.dump(),
});
