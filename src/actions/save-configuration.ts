import { type CommitOutcome, commitVersion } from "#actions/commit-version.ts";
import {
  type IdempotentRequest,
  idempotentRequest,
  replayed,
  replayedAfterRace,
  selectKey,
} from "#actions/idempotency.ts";
import { nudgeRender } from "#actions/nudge-render.ts";
import { type SaveConfiguration, planNextSave } from "#actions/plan-save.ts";
import { readAs } from "#actions/read-as.ts";
import { requeueFailed } from "#actions/retry-render.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { versionConflict } from "#actions/version-conflict.ts";
import { AppError } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { Caller, Principal } from "#core/principal.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

type Save = {
  name: { namespace: string; deployment_name: string };
  input: SaveConfiguration;
  ifMatch: IfMatch;
  key: string | undefined;
  cliVersion: string | null;
};

/** An overwrite on purpose competes with others; each lost round means that another save succeeded. */
const OVERWRITE_ATTEMPTS_MAX = 50;

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

  let row = configurationStore.selectByName.rows(results[0])[0];
  for (let attempt = 1; attempt <= OVERWRITE_ATTEMPTS_MAX; attempt++) {
    if (!row) throw AppError.of("configuration_not_found", { name: save.name.deployment_name });
    const configuration = configurationStore.fromRow(row);
    if (save.ifMatch.kind === "version" && save.ifMatch.version !== configuration.version)
      throw await versionConflict(deps, configuration, save.ifMatch.version);
    const attempted = await attemptSave(deps, principal, { save, configuration, request });
    if (attempted) return attempted;
    row =
      (await configurationStore.selectByName.first(db, { workspace_id: principal.workspaceId, ...save.name })) ??
      undefined;
  }
  throw AppError.of("write_contended", {});
}

type Attempt = { save: Save; configuration: Configuration; request: IdempotentRequest | null };

/** One try against the configuration as it was read; null where somebody else saved in between. */
async function attemptSave(
  deps: Deps,
  principal: Principal,
  { save, configuration, request }: Attempt,
): Promise<SavedVersion | null> {
  const planned = await planNextSave(deps, configuration, save.input);
  const { schema, prepared } = planned;
  const { pruned, warnings } = prepared;
  if (planned.isEqual)
    return { version: await unchangedVersion(deps, principal, configuration), pruned, warnings, unchanged: true };

  const outcome = await commitVersion(deps, principal, {
    config_id: configuration.id,
    parent: configuration.version,
    config_data: prepared.text,
    pack: schema.pack,
    schema_version: schema.version,
    podman_target: planned.podmanTarget,
    origin: planned.origin,
    changes_summary: planned.summary,
    cli_version: save.cliVersion,
    idempotency: request,
  });
  const version = await committed(deps, principal, { outcome, request });
  return version && { version, pruned, warnings, unchanged: false };
}

async function committed(
  deps: Deps,
  principal: Principal,
  { outcome, request }: { outcome: CommitOutcome; request: IdempotentRequest | null },
): Promise<Version | null> {
  switch (outcome.kind) {
    case "committed":
      await nudgeRender(deps, outcome.version.id);
      return outcome.version;
    case "guard_failed":
      return null;
    case "key_taken":
      return request && replayedAfterRace(deps, principal, request);
  }
}

/** An equal save answers the newest version; where its render had failed, it is queued once more. */
export async function unchangedVersion(
  deps: Deps,
  principal: Principal,
  configuration: Configuration,
): Promise<Version> {
  const of = { workspace_id: principal.workspaceId, version: configuration.version };
  const row = await versionStore.selectByNumber.first(deps.db, of);
  if (!row) throw AppError.of("version_not_found", { version: configuration.version });
  return row.job_state === "failed" ? requeueFailed(deps, principal, row) : versionStore.fromRow(row);
}
