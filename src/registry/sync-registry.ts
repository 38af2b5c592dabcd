import type { Deps } from "#deps.ts";
import { type SyncOutcome, syncRepository } from "#registry/sync-repository.ts";

/** Reconciles every configured repository, one after the other. One that fails holds up no other. */
export async function syncRegistry(deps: Deps): Promise<SyncOutcome[]> {
  const outcomes: SyncOutcome[] = [];
  for (const [pack, repository] of Object.entries(deps.settings.PACK_REPOSITORIES))
    outcomes.push(await syncRepository(deps, { pack, repository }));
  return outcomes;
}
