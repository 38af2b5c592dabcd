import { type PlannedVersion, commitPlanned, committed, shipsFiles } from "#actions/commit-planned.ts";
import { commitVersion } from "#actions/commit-version.ts";
import { editConfiguration } from "#actions/edit-configuration.ts";
import { type IdempotentRequest, idempotentRequest, replayed, selectKey } from "#actions/idempotency.ts";
import type { Preview } from "#actions/preview-save.ts";
import { previewFiles } from "#actions/preview-upload.ts";
import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import { hasErrors } from "#core/finding.ts";
import { canonicalJson } from "#core/json.ts";
import { PODMAN_TARGET_DEFAULT } from "#core/names.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { IfMatch } from "#core/save-decision.ts";
import { UploadContent, type UploadedFile, summariseUpload, uploadContent, uploadJson } from "#core/upload.ts";
import type { Deps } from "#deps.ts";
import { judgeUpload } from "#registry/make-upload.ts";
import { type Configuration, type ConfigurationRow, configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { uploadBlobs } from "#store/upload-blobs.ts";
import { uploadStore } from "#store/upload-store.ts";

type UploadInput = {
  name: Name;
  podmanTarget: string | null;
  force: boolean;
  /** Reads the body: only after the caller is known, and their limit is taken. */
  readFiles: () => Promise<UploadedFile[]>;
};
type Upload = UploadInput & { ifMatch: IfMatch | null; key: string | undefined; cliVersion: string | null };

/** Far longer than from the first object to the commit. */
const STAGED_SECONDS = 3600;
const PUTS_AT_ONCE = 6;

/**
 * Makes a version of finished files. They are checked in memory first; only then do they go to R2 by their digests (the
 * backup bucket before the other), and last one batch makes the version that names them. Cut off anywhere, there is either that
 * version or none; objects without one are collected. Equal to the newest version, it makes none.
 */
export async function uploadConfiguration(deps: Deps, caller: Caller, upload: Upload): Promise<SavedVersion> {
  const { principal, row } = await readUploadTarget(deps, caller, upload.name);
  const { name, ifMatch, force } = upload;
  if (row && ifMatch === null) throw AppError.of("precondition_required", {});
  if (!row && ifMatch !== null) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const files = await upload.readFiles();
  const content = uploadContent(files, force);
  const route = `${caller.workspaceId} POST /config/upload?deployment=${name.deployment_name}&namespace=${name.namespace}`;
  const request = await idempotentRequest(route, upload.key, {
    ...uploadJson(content),
    podman_target: upload.podmanTarget,
  });
  const first = request && (await replayOf(deps, principal, request));
  if (first) return { version: first, pruned: [], warnings: [], unchanged: false };

  const target = upload.podmanTarget ?? row?.podman_target ?? PODMAN_TARGET_DEFAULT;
  const { findings } = judgeUpload(files, target);
  if (hasErrors(findings) && !force)
    throw AppError.of("upload_refused", { count: findings.length }, { details: findings });
  await stage(deps, principal.workspaceId, files);
  const warnings = [...findings];
  const of = { content, warnings, request, cliVersion: upload.cliVersion };
  if (!row || ifMatch === null) return createUploaded(deps, principal, { ...of, name, podmanTarget: target });
  const edit = { workspaceId: principal.workspaceId, name, ifMatch, row };
  return editConfiguration(deps, edit, async (configuration) => {
    const planned = planUpload({ configuration, content, podmanTarget: upload.podmanTarget });
    return commitPlanned(deps, principal, {
      configuration,
      planned: { ...planned, warnings },
      request,
      cliVersion: upload.cliVersion,
    });
  });
}

/** What `uploadConfiguration` would do; nothing is stored. */
export async function previewUpload(deps: Deps, caller: Caller, upload: UploadInput): Promise<Preview> {
  const { principal, row } = await readUploadTarget(deps, caller, upload.name);
  const files = await upload.readFiles();
  const configuration = row ? configurationStore.fromRow(row) : null;
  const planned = planUpload({
    configuration,
    content: uploadContent(files, upload.force),
    podmanTarget: upload.podmanTarget,
  });
  return previewFiles(deps, { workspaceId: principal.workspaceId, configuration, planned }, files);
}

async function readUploadTarget(
  deps: Deps,
  caller: Caller,
  name: Name,
): Promise<{ principal: Principal; row: ConfigurationRow | undefined }> {
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(deps.db, { workspace_id: caller.workspaceId, ...name }),
  ]);
  return { principal, row: configurationStore.selectByName.rows(results[0])[0] };
}

async function replayOf(deps: Deps, principal: Principal, request: IdempotentRequest) {
  const found = await selectKey(deps.db, principal.actor, request).all();
  return replayed(deps, principal, { request, row: idempotencyStore.select.rows(found)[0] });
}

type ToPlan = { configuration: Configuration | null; content: UploadContent; podmanTarget: string | null };

function planUpload({ configuration, content, podmanTarget }: ToPlan): PlannedVersion & { upload: UploadContent } {
  const before = configuration && configuration.pack === null ? UploadContent.parse(configuration.configData) : null;
  const target = podmanTarget ?? configuration?.podmanTarget ?? PODMAN_TARGET_DEFAULT;
  const configData = canonicalJson(uploadJson(content));
  const isEqual =
    before !== null &&
    configData === canonicalJson(configuration?.configData ?? {}) &&
    target === configuration?.podmanTarget;
  return {
    pack: null,
    schemaVersion: null,
    podmanTarget: target,
    configData,
    origin: "upload",
    summary: summariseUpload(before, content),
    isEqual,
    pruned: [],
    warnings: [],
    upload: content,
  };
}

/** Rows before objects, so that whatever ends in between is found by the collection. */
async function stage(deps: Deps, workspaceId: string, files: readonly UploadedFile[]): Promise<void> {
  const { db, clock } = deps;
  const objects = JSON.stringify(Object.fromEntries(files.map(({ sha256, bytes }) => [sha256, bytes.byteLength])));
  const of = { workspace_id: workspaceId, objects };
  const [, collecting] = await db.batch([
    uploadStore.stage.bind(db, { ...of, collect_after: toInstant(secondsAfter(clock.now(), STAGED_SECONDS)) }),
    uploadStore.selectCollecting.bind(db, of),
  ]);
  // these very bytes are being removed at this moment; a second later they can be put again
  if (uploadStore.selectCollecting.rows(collecting).length > 0) throw AppError.of("storage_unavailable", {});
  const unique = [...new Map(files.map((file) => [file.sha256, file])).values()];
  for (let at = 0; at < unique.length; at += PUTS_AT_ONCE)
    await Promise.all(
      unique
        .slice(at, at + PUTS_AT_ONCE)
        .map(({ sha256, bytes }) => uploadBlobs.put(deps, { workspaceId, sha256 }, bytes)),
    );
}

type FirstUpload = {
  name: Name;
  content: UploadContent;
  podmanTarget: string;
  warnings: SavedVersion["warnings"];
  request: IdempotentRequest | null;
  cliVersion: string | null;
};

async function createUploaded(deps: Deps, principal: Principal, first: FirstUpload): Promise<SavedVersion> {
  const { name, content, request, warnings } = first;
  const outcome = await commitVersion(deps, principal, {
    config_id: deps.ids.uuid(),
    configuration: { ...name, schema_range: "*", upgrade_policy: "pinned" },
    parent: 0,
    config_data: canonicalJson(uploadJson(content)),
    pack: null,
    schema_version: null,
    podman_target: first.podmanTarget,
    origin: "upload",
    changes_summary: summariseUpload(null, content),
    cli_version: first.cliVersion,
    idempotency: request,
    also: (of) => shipsFiles(deps.db, principal, { ...of, upload: content }),
  });
  const version = await committed(deps, principal, { outcome, request });
  if (!version) throw AppError.of("deployment_name_taken", { name: name.deployment_name });
  return { version, pruned: [], warnings, unchanged: false };
}
