import { causeText } from "#core/log.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { candidateBlobs } from "#store/candidate-blobs.ts";
import { candidateStore } from "#store/candidate-store.ts";

const CANDIDATES_MAX = 5;
/** Results that one sweep removes of one candidate; the next minute takes more. */
const RESULTS_MAX = 2000;

/**
 * Removes candidates that have expired: the content from R2, then what was counted, then the row. Rows are marked first, and a pack that
 * is sent again waits while its row is: else it could find content that is gone a moment later. A sweep that dies in between leaves a
 * marked row, which the next one takes up.
 */
export async function collectCandidates(deps: Deps): Promise<void> {
  const { db, clock, log } = deps;
  try {
    const [marked] = await db.batch([
      candidateStore.collect.bind(db, { now: toInstant(clock.now()), limit: CANDIDATES_MAX }),
      candidateStore.endJobs.bind(db, {}),
    ]);
    const digests = candidateStore.collect.rows(marked).map(({ digest }) => digest);
    await candidateBlobs.remove(deps.files, digests);
    for (const digest of digests)
      await db.batch([
        candidateStore.removeResults.bind(db, { digest, limit: RESULTS_MAX }),
        candidateStore.removeJob.bind(db, { digest }),
        candidateStore.remove.bind(db, { digest }),
      ]);
    if (digests.length > 0) log("candidates.collected", { count: digests.length });
  } catch (cause) {
    log("candidates.uncollected", { cause: causeText(cause) }); // the next minute finds them again
  }
}
