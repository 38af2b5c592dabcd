import { type CommitOutcome, commitVersion } from "#actions/commit-version.ts";
import { type IdempotentRequest, replayedAfterRace } from "#actions/idempotency.ts";
import { nudgeRender } from "#actions/nudge-render.ts";
import type { PlannedSave } from "#actions/plan-save.ts";
import { requeueFailed } from "#actions/retry-render.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import type { Principal } from "#core/principal.ts";
import type { UploadContent } from "#core/upload.ts";
import type { Deps } from "#deps.ts";
import type { Configuration } from "#store/configuration-store.ts";
import { uploadStore } from "#store/upload-store.ts";
import { type Origin, type Version, versionStore } from "#store/version-store.ts";

/** What is committed: decisions, or the files of an upload. */
export type PlannedVersion = {
  pack: string | null;
  schemaVersion: string | null;
  podmanTarget: string;
  /** Canonical JSON. */
  configData: string;
  origin: Origin;
  summary: string;
  isEqual: boolean;
  pruned: string[];
  warnings: Finding[];
  upload: UploadContent | null;
};

/** A planned save as a version. */
export const asVersion = ({ schema, prepared, ...planned }: PlannedSave): PlannedVersion => ({
  ...planned,
  pack: schema.pack,
  schemaVersion: schema.version,
  configData: prepared.text,
  pruned: prepared.pruned,
  warnings: prepared.warnings,
  upload: null,
});

type Planned = {
  configuration: Configuration;
  planned: PlannedVersion;
  request: IdempotentRequest | null;
  cliVersion: string | null;
};

/** Commits what was planned against a configuration; null where somebody else saved since it was read. */
export async function commitPlanned(
  deps: Deps,
  principal: Principal,
  { configuration, planned, request, cliVersion }: Planned,
): Promise<SavedVersion | null> {
  const { pruned, warnings, upload } = planned;
  if (planned.isEqual)
    return { version: await unchangedVersion(deps, principal, configuration), pruned, warnings, unchanged: true };
  const outcome = await commitVersion(deps, principal, {
    ...draftOf(configuration, planned),
    cli_version: cliVersion,
    idempotency: request,
    ...(upload && { also: (of) => shipsFiles(deps.db, principal, { ...of, upload }) }),
  });
  const version = await committed(deps, principal, { outcome, request });
  return version && { version, pruned, warnings, unchanged: false };
}

/** What a plan says of the version that it becomes, made from the configuration as it was read. */
export const draftOf = (configuration: Configuration, planned: PlannedVersion) => ({
  config_id: configuration.id,
  parent: configuration.version,
  config_data: planned.configData,
  pack: planned.pack,
  schema_version: planned.schemaVersion,
  podman_target: planned.podmanTarget,
  origin: planned.origin,
  changes_summary: planned.summary,
});

/** Names the uploaded files of a version, in its batch. */
export const shipsFiles = (db: D1Database, principal: Principal, of: { versionId: string; upload: UploadContent }) =>
  uploadStore.forVersion(db, {
    version_id: of.versionId,
    workspace_id: principal.workspaceId,
    files: of.upload.files,
  });

/** The version that a commit made, nudged; null where its guard failed. */
export async function committed(
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
