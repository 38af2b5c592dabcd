import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type SyncOutcome, syncRepository } from "#registry/sync-repository.ts";
import { repositoryStore } from "#store/repository-store.ts";
import { webhookStore } from "#store/webhook-store.ts";

/** Deliveries are remembered so that a repeated one is known; GitHub lets them be sent again for three days. */
const DELIVERIES_KEPT_SECONDS = 30 * 86_400;

/** Reconciles every configured repository, one after the other. One that fails holds up no other. */
export async function syncRegistry(deps: Deps): Promise<SyncOutcome[]> {
  const outcomes: SyncOutcome[] = [];
  for (const [pack, repository] of Object.entries(deps.settings.PACK_REPOSITORIES))
    outcomes.push(await syncRepository(deps, { pack, repository }));
  const before = toInstant(secondsAfter(deps.clock.now(), -DELIVERIES_KEPT_SECONDS));
  await webhookStore.removeOlder.bind(deps.db, { before }).run();
  return outcomes;
}

/**
 * What cannot wait for the hour: repositories that a webhook named since their last sync, and those whose last sync had too much to
 * do. Called each minute, so that a nudge outlives the request that brought it.
 */
export async function syncWaiting(deps: Deps): Promise<number> {
  const waiting = await repositoryStore.selectWaiting.all(deps.db, { now: toInstant(deps.clock.now()) });
  const configured = waiting.filter(({ pack, repository }) => deps.settings.PACK_REPOSITORIES[pack] === repository);
  for (const of of configured) await syncRepository(deps, of);
  return configured.length;
}
