import { causeText } from "#core/log.ts";
import type { Deps } from "#deps.ts";
import { putSecretCopy, secretCopyStore } from "#store/secret-copy.ts";

/** Each lost round means that the secret changed while KV was written. */
const ROUNDS_MAX = 8;

/**
 * Makes the KV record say what D1 says. The race: of two writers, the slower may put the older state last. So each asks,
 * after its put, whether the state that it wrote is still the newest, and writes again where it is not; only then does the row count as
 * copied. Interrupted anywhere, the row stays marked, and the sweep does it again.
 */
export async function copySecret({ db, secrets, log }: Deps, secretId: string): Promise<void> {
  try {
    for (let round = 1; round <= ROUNDS_MAX; round++) {
      const row = await secretCopyStore.select.first(db, { secret_id: secretId });
      if (!row) return;
      await putSecretCopy(secrets, row);
      const of = { secret_id: secretId, change_id: row.change_id };
      if (await secretCopyStore.markCopied.first(db, of)) return;
    }
  } catch (cause) {
    log("cache.missed", { cause: causeText(cause) });
  }
}

const COPIES_AT_ONCE = 10;

/** Part of each sweep: what was lost of the writing behind. Answers how many it looked at. */
export async function copyPending(deps: Deps, limit: number): Promise<number> {
  const pending = await secretCopyStore.selectUncopied.all(deps.db, { limit });
  for (let at = 0; at < pending.length; at += COPIES_AT_ONCE)
    await Promise.all(pending.slice(at, at + COPIES_AT_ONCE).map(({ id }) => copySecret(deps, id)));
  return pending.length;
}
