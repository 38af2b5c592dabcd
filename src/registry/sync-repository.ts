import { causeText } from "#core/log.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { githubClient, requestFailure, retryAfter } from "#registry/github-client.ts";
import { listReleases } from "#registry/list-releases.ts";
import { reconcileReleases } from "#registry/reconcile-releases.ts";
import { type RepositoryRow, repositoryStore } from "#store/repository-store.ts";

/** Longer than a sync can take; a sync that died gives way after it. */
const SYNC_LEASE_SECONDS = 600;
/** A little less than a day, so that the hourly cron that comes a second early still makes its daily pass. */
const FULL_PASS_SECONDS = 23.5 * 3600;
/** Between two looks of the sweep at a GitHub that fails. */
const FAILED_PAUSE_SECONDS = 300;

export type SyncOutcome = {
  repository: string;
  pack: string;
  /** `gone`: GitHub has no such repository, or does not show it to this token. What was admitted stays. */
  result: "synced" | "unchanged" | "running" | "rate_limited" | "gone" | "failed";
  admitted: string[];
  quarantined: string[];
  skipped: { tag: string; reason: string }[];
  failures: number;
  retry_at: string | null;
};

/**
 * Reconciles one repository: lists its releases, holds them against D1, and fetches, examines and stores what is missing. Without
 * arguments and idempotent: interrupted anywhere, the next one does the rest. At rest it is one conditional request; once a day, all
 * pages and the tags' commits. The list's ETag is remembered only when everything on it was dealt with, or a 304 would hide
 * what failed. GitHub being away is an outcome.
 */
export async function syncRepository(deps: Deps, of: { repository: string; pack: string }): Promise<SyncOutcome> {
  const { db, clock } = deps;
  const now = clock.now();
  const outcome: SyncOutcome = {
    ...of,
    result: "synced",
    admitted: [],
    quarantined: [],
    skipped: [],
    failures: 0,
    retry_at: null,
  };
  const state = await takeLease(deps, of);
  if (!state) return { ...outcome, result: "running" };
  let done: Done = { etag: state.etag, fullSyncedAt: null, pending: state.pending };
  if (state.not_before !== null && state.not_before > toInstant(now)) {
    outcome.result = "rate_limited";
    outcome.retry_at = state.not_before;
  } else {
    try {
      done = await reconcile(deps, outcome, state);
    } catch (cause) {
      const retryAt = retryAfter(cause, now);
      outcome.result = retryAt ? "rate_limited" : isGone(cause) ? "gone" : "failed";
      outcome.retry_at = retryAt && toInstant(retryAt);
      deps.log("sync.failed", { repository: of.repository, outcome: outcome.result, cause: causeText(cause) });
    }
  }
  const isDone = outcome.result === "synced" || outcome.result === "unchanged";
  await repositoryStore.finish
    .bind(db, {
      repository: of.repository,
      etag: done.etag,
      synced_at: isDone ? toInstant(now) : null,
      not_before: outcome.retry_at,
      full_synced_at: done.fullSyncedAt,
      pending: done.pending,
      last_outcome: JSON.stringify(outcome),
      look_again_at: isDone ? null : toInstant(secondsAfter(now, FAILED_PAUSE_SECONDS)),
    })
    .run();
  deps.log("registry.synced", {
    repository: of.repository,
    pack: of.pack,
    outcome: outcome.result,
    count: outcome.admitted.length,
  });
  return outcome;
}

async function takeLease(
  { db, clock }: Deps,
  of: { repository: string; pack: string },
): Promise<RepositoryRow | undefined> {
  const now = clock.now();
  const [, , leased] = await db.batch([
    repositoryStore.forget.bind(db, of),
    repositoryStore.ensure.bind(db, of),
    repositoryStore.lease.bind(db, {
      repository: of.repository,
      now: toInstant(now),
      lease_until: toInstant(secondsAfter(now, SYNC_LEASE_SECONDS)),
    }),
  ]);
  return repositoryStore.lease.rows(leased)[0];
}

const isGone = (cause: unknown) => [404, 410, 451].includes(requestFailure(cause)?.status ?? 0);

/** What to remember for the next sync. */
type Done = { etag: string | null; fullSyncedAt: string | null; pending: number };

/** There is more to do than one invocation may: the sweep goes on with it. */
const UNFINISHED = 1;
/** Something could not be fetched: the next hour looks at every page again. */
const FAILED = 2;

async function reconcile(deps: Deps, outcome: SyncOutcome, state: RepositoryRow): Promise<Done> {
  const now = deps.clock.now();
  const github = await githubClient(deps);
  const isFull =
    state.full_synced_at === null || state.full_synced_at <= toInstant(secondsAfter(now, -FULL_PASS_SECONDS));
  // What is pending may stand on a later page, which no condition on the first one can tell.
  const isWhole = isFull || state.pending > 0;
  const list = await listReleases(github, outcome.repository, { etag: state.etag, isFull: isWhole });
  if (!list) {
    outcome.result = "unchanged";
    return { etag: state.etag, fullSyncedAt: null, pending: 0 };
  }
  const { isUnfinished } = await reconcileReleases(deps, { github, outcome, list, isFull });
  if (outcome.failures > 0) outcome.result = "failed";
  return {
    etag: isUnfinished || outcome.failures > 0 ? null : list.etag,
    fullSyncedAt: isFull ? toInstant(now) : null,
    pending: isUnfinished ? UNFINISHED : outcome.failures > 0 ? FAILED : 0,
  };
}
