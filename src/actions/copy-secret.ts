import { causeText } from "#core/log.ts";
import type { Deps } from "#deps.ts";
import { type SecretCopyRow, putSecretCopy, secretCopyStore } from "#store/secret-copy.ts";

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
      if (await secretCopyStore.markCopied.first(db, { copied: marks([row]) })) return;
    }
  } catch (cause) {
    log("cache.missed", { cause: causeText(cause) });
  }
}

const marks = (rows: readonly SecretCopyRow[]) =>
  JSON.stringify(rows.map(({ secret_id, change_id }) => ({ secret_id, change_id })));

const COPIES_AT_ONCE = 10;
/** The largest record has 14 KB, so a page stays far below what an isolate holds. */
const ROWS_PER_PAGE = 100;

/**
 * Part of each sweep: what was lost of the writing behind, at most `limit` records. A record that KV refused stays
 * marked for the next; of one that changed meanwhile the older state may stand there now, so it is written again.
 */
export async function copyPending(deps: Deps, limit: number): Promise<void> {
  const { db, secrets, log } = deps;
  for (let done = 0; done < limit; done += ROWS_PER_PAGE) {
    const rows = await secretCopyStore.selectUncopied.all(db, { limit: Math.min(ROWS_PER_PAGE, limit - done) });
    const copied: SecretCopyRow[] = [];
    for (let at = 0; at < rows.length; at += COPIES_AT_ONCE)
      await Promise.all(
        rows.slice(at, at + COPIES_AT_ONCE).map(async (row) => {
          try {
            await putSecretCopy(secrets, row);
            copied.push(row);
          } catch (cause) {
            log("cache.missed", { workspace_id: row.workspace_id, cause: causeText(cause) });
          }
        }),
      );
    const marked = new Set((await secretCopyStore.markCopied.all(db, { copied: marks(copied) })).map(({ id }) => id));
    for (const { secret_id } of copied) if (!marked.has(secret_id)) await copySecret(deps, secret_id);
    if (rows.length < ROWS_PER_PAGE || copied.length === 0) return;
  }
}
