import { asVersion, commitPlanned } from "#actions/commit-planned.ts";
import { editConfiguration } from "#actions/edit-configuration.ts";
import { idempotentRequest, replayed, selectKey } from "#actions/idempotency.ts";
import { type SaveConfiguration, planNextSave } from "#actions/plan-save.ts";
import { readAs } from "#actions/read-as.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import type { JsonObject } from "#core/json.ts";
import type { Caller } from "#core/principal.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";

type Save = {
  name: { namespace: string; deployment_name: string };
  input: SaveConfiguration;
  ifMatch: IfMatch;
  key: string | undefined;
  cliVersion: string | null;
};

/**
 * Saves a new version of a deployment. An edit names the version it was made from; where that is no longer the newest,
 * nothing is written and the versions in between are named. Content equal to the newest makes no version. The schema
 * version stays what it was unless another is asked for: an edit never upgrades by the way.
 */
export async function saveConfiguration(deps: Deps, caller: Caller, save: Save): Promise<SavedVersion> {
  const { db } = deps;
  const route = `${caller.workspaceId} PUT /configurations/${save.name.deployment_name}?namespace=${save.name.namespace}`;
  const request = await idempotentRequest(route, save.key, save.input as unknown as JsonObject);
  const byName = configurationStore.selectByName.bind(db, { workspace_id: caller.workspaceId, ...save.name });
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    byName,
    selectKey(db, caller.actor, request),
  ]);
  const first = await replayed(deps, principal, { request, row: idempotencyStore.select.rows(results[1])[0] });
  if (first) return { version: first, pruned: [], warnings: [], unchanged: false };

  const row = configurationStore.selectByName.rows(results[0])[0];
  const edit = { workspaceId: principal.workspaceId, name: save.name, ifMatch: save.ifMatch, row };
  return editConfiguration(deps, edit, async (configuration) => {
    const planned = asVersion(await planNextSave(deps, configuration, save.input));
    return commitPlanned(deps, principal, { configuration, planned, request, cliVersion: save.cliVersion });
  });
}
