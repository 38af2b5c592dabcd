import { commitVersion } from "#actions/commit-version.ts";
import { readAs } from "#actions/read-as.ts";
import { versionConflict } from "#actions/version-conflict.ts";
import { sha256Hex } from "#core/digest.ts";
import { AppError } from "#core/errors.ts";
import { canonicalJson } from "#core/json.ts";
import type { Caller, Principal } from "#core/principal.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import { ENGINE_VERSION } from "#render/version.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { renderStore } from "#store/render-store.ts";
import type { Version } from "#store/version-store.ts";

/**
 * Hides a deployment and tells its devices: a deletion is a version of its own, rendered at once as an empty row with
 * `deleted`, and the head moves to it. History, files and audit stay; the name is free again.
 */
export async function deleteConfiguration(deps: Deps, caller: Caller, deletion: Deletion): Promise<Version> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const deleted = await attemptDelete(deps, caller, deletion);
    if (deleted) return deleted;
  }
  throw AppError.of("write_contended", {});
}

type Deletion = { name: { namespace: string; deployment_name: string }; ifMatch: IfMatch };

/** Each lost round means that a save came first. */
const ATTEMPTS_MAX = 50;

/** One try against the configuration as it is read here; null where somebody saved in between. */
async function attemptDelete(deps: Deps, caller: Caller, { name, ifMatch }: Deletion): Promise<Version | null> {
  const { db } = deps;
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(db, { workspace_id: caller.workspaceId, ...name }),
  ]);
  const row = configurationStore.selectByName.rows(results[0])[0];
  if (!row) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const configuration = configurationStore.fromRow(row);
  if (ifMatch.kind === "version" && ifMatch.version !== configuration.version)
    throw await versionConflict(deps, configuration, ifMatch.version);
  return commitDeletion(deps, principal, configuration);
}

/** The version that is the deletion; null where somebody saved since `configuration` was read. */
export async function commitDeletion(
  deps: Deps,
  principal: Principal,
  { id, version, pack, schemaVersion, podmanTarget, configData }: Configuration,
): Promise<Version | null> {
  const { db } = deps;
  const marker = await sha256Hex(canonicalJson({ deleted: true, config_id: id, after_version: version }));
  const outcome = await commitVersion(deps, principal, {
    config_id: id,
    parent: version,
    config_data: canonicalJson(configData),
    pack,
    schema_version: schemaVersion,
    podman_target: podmanTarget,
    origin: "delete",
    changes_summary: "Deleted.",
    cli_version: null,
    instead: ({ versionId, now }) => [
      renderStore.insertDeletion.bind(db, {
        id: deps.ids.uuid(),
        version_id: versionId,
        workspace_id: principal.workspaceId,
        manifest_checksum: marker,
        engine_version: ENGINE_VERSION,
        rendered_at: now,
      }),
      renderStore.moveHead.bind(db, { version_id: versionId, now }),
    ],
  });
  return outcome.kind === "committed" ? outcome.version : null;
}
