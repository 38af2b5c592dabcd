import { checkPodmanTarget, chooseSchema } from "#actions/choose-schema.ts";
import { type CommitOutcome, commitVersion } from "#actions/commit-version.ts";
import {
  type IdempotentRequest,
  idempotentRequest,
  replayed,
  replayedAfterRace,
  selectKey,
} from "#actions/idempotency.ts";
import { nudgeRender } from "#actions/nudge-render.ts";
import { type PreparedSave, prepareSave } from "#actions/prepare-save.ts";
import { readAs } from "#actions/read-as.ts";
import { requeueFailed } from "#actions/retry-render.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import type { Caller, Principal } from "#core/principal.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { loadSchema } from "#registry/load-schema.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { schemaStore } from "#store/schema-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

export type SaveConfiguration = {
  config_data: JsonObject;
  schema_version?: string | undefined;
  podman_target?: string | undefined;
  allow_deprecated?: boolean | undefined;
};

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
      throw await conflict(deps, configuration, save.ifMatch.version);
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
  const schema = await schemaOf(deps, configuration, save.input.schema_version);
  const podmanTarget = save.input.podman_target ?? configuration.podmanTarget;
  checkPodmanTarget(schema, podmanTarget);
  const prepared = prepareSave(schema, {
    configData: save.input.config_data,
    namespace: configuration.namespace,
    parent: configuration.configData,
    allowDeprecated: save.input.allow_deprecated ?? false,
  });
  const { pruned, warnings } = prepared;
  const isEqual =
    prepared.text === canonicalJson(configuration.configData) &&
    schema.version === configuration.schemaVersion &&
    podmanTarget === configuration.podmanTarget;
  if (isEqual)
    return { version: await unchangedVersion(deps, principal, configuration), pruned, warnings, unchanged: true };

  const outcome = await commitVersion(deps, principal, {
    config_id: configuration.id,
    parent: configuration.version,
    config_data: prepared.text,
    pack: schema.pack,
    schema_version: schema.version,
    podman_target: podmanTarget,
    origin: schema.version === configuration.schemaVersion ? "save" : "schema_upgrade",
    changes_summary: summaryWithInputs(prepared, { schema, podmanTarget, configuration }),
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

async function schemaOf(deps: Deps, configuration: Configuration, wished: string | undefined): Promise<ReadySchema> {
  const { pack, schemaVersion } = configuration;
  if (wished !== undefined && wished !== schemaVersion) {
    const candidates = await schemaStore.selectCandidates.all(deps.db, { pack });
    return chooseSchema(deps, candidates, { pack, version: wished, range: configuration.schemaRange });
  }
  const schema = await loadSchema(deps, pack, schemaVersion);
  if (!schema) throw AppError.of("schema_version_unknown", { pack, version: schemaVersion, known: "" });
  return schema;
}

function summaryWithInputs(
  prepared: PreparedSave,
  { schema, podmanTarget, configuration }: { schema: ReadySchema; podmanTarget: string; configuration: Configuration },
): string {
  const parts = prepared.changes.length > 0 ? [prepared.summary] : [];
  if (schema.version !== configuration.schemaVersion)
    parts.push(`Schema: ${configuration.schemaVersion} -> ${schema.version}`);
  if (podmanTarget !== configuration.podmanTarget)
    parts.push(`Podman: ${configuration.podmanTarget} -> ${podmanTarget}`);
  return parts.join("; ");
}

/** An equal save answers the newest version; where its render had failed, it is queued once more. */
async function unchangedVersion(deps: Deps, principal: Principal, configuration: Configuration): Promise<Version> {
  const of = { workspace_id: principal.workspaceId, version: configuration.version };
  const row = await versionStore.selectByNumber.first(deps.db, of);
  if (!row) throw AppError.of("version_not_found", { version: configuration.version });
  return row.job_state === "failed" ? requeueFailed(deps, principal, row) : versionStore.fromRow(row);
}

/** 412 with the versions in between: what changed while the caller was editing. */
async function conflict(deps: Deps, configuration: Configuration, edited: number): Promise<AppError> {
  const history = await versionStore.selectHistory.all(deps.db, {
    workspace_id: configuration.workspaceId,
    config_id: configuration.id,
    before: Number.MAX_SAFE_INTEGER,
    limit: 20,
  });
  const details = history
    .filter(({ version }) => version > edited)
    .map(({ version, created_at, created_by, changes_summary }) => ({
      version,
      created_at,
      created_by,
      changes_summary,
    }));
  return AppError.of("version_conflict", { expected: edited, actual: configuration.version }, { details });
}
