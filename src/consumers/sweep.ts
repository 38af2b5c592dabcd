import { countImpact } from "#actions/count-impact.ts";
import { copyPending } from "#actions/copy-secret.ts";
import { purgeExpired } from "#actions/delete-secret.ts";
import { driveRotations } from "#consumers/drive-rotations.ts";
import { fanOut, finishUpgrades } from "#actions/fan-out.ts";
import { sealAudit } from "#consumers/seal-audit.ts";
import { NUDGE_GRACE_SECONDS } from "#core/render-job.ts";
import { causeText } from "#core/log.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { collectCandidates } from "#consumers/collect-candidates.ts";
import { collectUploads } from "#consumers/collect-uploads.ts";
import { resumePurges } from "#consumers/resume-purges.ts";
import { renderVersion } from "#consumers/render-version.ts";
import type { Deps } from "#deps.ts";
import { syncWaiting } from "#registry/sync-registry.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { jobStore } from "#store/job-store.ts";
import { rateLimitStore } from "#store/rate-limit-store.ts";

const IDEMPOTENCY_KEPT_SECONDS = 2 * 86_400;
/** How many further jobs one sweep wakes by messages; the next minute takes more. */
const NUDGES_MAX = 100;
/** Secrets whose record in KV is written anew by one sweep. */
const COPIES_PER_SWEEP = 500;

/**
 * Every minute: finishes what no message finished. Work strands when a send failed after its commit, when the queue lost or
 * gave up a message, or when a consumer died holding a lease. All three look the same here: a job that is due and that
 * nobody came for. Some of them it renders itself, oldest first, so that the queue is never needed for progress; the rest it
 * nudges. Safe beside consumers and beside itself, because the lease lets one through.
 */
export async function sweep(deps: Deps): Promise<void> {
  const { db, clock, settings, log } = deps;
  const now = clock.now();
  const due = await jobStore.selectDue.all(db, {
    now: toInstant(now),
    nudged_before: toInstant(secondsAfter(now, -NUDGE_GRACE_SECONDS)),
    limit: settings.SWEEP_RENDERS_MAX + NUDGES_MAX,
  });
  for (const { version_id } of due.slice(0, settings.SWEEP_RENDERS_MAX)) {
    try {
      await renderVersion(deps, version_id);
    } catch (cause) {
      log("sweep.failed", { version_id, cause: causeText(cause) }); // D1 itself: the next minute finds the job again
    }
  }
  await nudgeRest(deps, due.slice(settings.SWEEP_RENDERS_MAX));
  await fanOut(deps);
  await finishUpgrades(deps, settings.SWEEP_RENDERS_MAX);
  const before = toInstant(secondsAfter(now, -IDEMPOTENCY_KEPT_SECONDS));
  await idempotencyStore.removeOlder.bind(db, { before }).run();
  await driveRotations(deps);
  await purgeExpired(deps);
  await copyPending(deps, COPIES_PER_SWEEP);
  await resumePurges(deps);
  await collectUploads(deps);
  await sealAudit(deps);
  await rateLimitStore.removeExpired.bind(db, { now: toInstant(now) }).run();
  await collectCandidates(deps);
  // It waits for GitHub: nothing that somebody waits for stands after it.
  if ((await syncWaiting(deps)) > 0) await fanOut(deps);
  await countImpact(deps); // last: the longest, and what nobody waits for
  log("sweep.finished", { count: due.length });
}

async function nudgeRest({ renderQueue, log }: Deps, rest: { version_id: string }[]): Promise<void> {
  if (rest.length === 0) return;
  try {
    await renderQueue.sendBatch(
      rest.map(({ version_id }) => ({ body: { kind: "render-version" as const, version_id } })),
    );
  } catch (cause) {
    log("nudge.lost", { count: rest.length, cause: causeText(cause) });
  }
}
