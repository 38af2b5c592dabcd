import { statement } from "#store/statement.ts";

export type RepositoryRow = {
  repository: string;
  pack: string;
  etag: string | null;
  synced_at: string | null;
  not_before: string | null;
  full_synced_at: string | null;
  pending: number;
};

// A pack has one repository: the row of the one it had before would hold its name.
const forget = statement<{ repository: string; pack: string }>(
  "DELETE FROM registry_repositories WHERE pack = :pack AND repository <> :repository",
);

const ensure = statement<{ repository: string; pack: string }>(
  `INSERT INTO registry_repositories (repository, pack) VALUES (:repository, :pack)
   ON CONFLICT (repository) DO UPDATE SET pack = excluded.pack`,
);

// A sync asked for twice runs once: the second finds a lease that has not ended.
const lease = statement<{ repository: string; now: string; lease_until: string }, RepositoryRow>(
  `UPDATE registry_repositories SET lease_until = :lease_until
   WHERE repository = :repository AND (lease_until IS NULL OR lease_until <= :now)
   RETURNING repository, pack, etag, synced_at, not_before, full_synced_at, pending`,
);

// A look that failed is repeated after a pause where somebody waits for it: a nudge that no sync has answered, or a list that is
// not done with, would else ask a GitHub that is down each minute of the day.
const finish = statement<{
  repository: string;
  etag: string | null;
  synced_at: string | null;
  not_before: string | null;
  full_synced_at: string | null;
  pending: number;
  last_outcome: string;
  look_again_at: string | null;
}>(
  `UPDATE registry_repositories SET lease_until = NULL, etag = :etag, synced_at = COALESCE(:synced_at, synced_at),
     not_before = :not_before, full_synced_at = COALESCE(:full_synced_at, full_synced_at), pending = :pending,
     last_outcome = :last_outcome,
     nudged_at = CASE WHEN :look_again_at IS NOT NULL AND (:pending = 1 OR nudged_at > COALESCE(synced_at, ''))
       THEN :look_again_at ELSE nudged_at END
   WHERE repository = :repository`,
);

const selectAll = statement<Record<string, never>, RepositoryRow & { last_outcome: string | null }>(
  "SELECT repository, pack, etag, synced_at, not_before, full_synced_at, pending, last_outcome FROM registry_repositories ORDER BY pack",
);

/** A webhook's hint: the next sweep looks, whether or not the request that brought it lived to do so. */
const nudge = statement<{ repository: string; now: string }>(
  "UPDATE registry_repositories SET nudged_at = :now WHERE repository = :repository COLLATE NOCASE",
);

/** Repositories that somebody should look at before the hour is over: left unfinished, or nudged since the last look, and not paused. */
const selectWaiting = statement<{ now: string }, { repository: string; pack: string }>(
  `SELECT repository, pack FROM registry_repositories
   WHERE (pending = 1 OR nudged_at > COALESCE(synced_at, '')) AND (nudged_at IS NULL OR nudged_at <= :now)
     AND (not_before IS NULL OR not_before <= :now) AND (lease_until IS NULL OR lease_until <= :now) ORDER BY pack`,
);

export const repositoryStore = { forget, ensure, lease, finish, selectAll, nudge, selectWaiting };
