import { AppError } from "#core/errors.ts";
import type { Deps } from "#deps.ts";
import type { Configuration } from "#store/configuration-store.ts";
import { versionStore } from "#store/version-store.ts";

/** Enough to see what happened meanwhile; the history has the rest. */
const VERSIONS_SHOWN_MAX = 20;

/** 412 with the versions in between: what changed while the caller was editing. */
export async function versionConflict(deps: Deps, configuration: Configuration, edited: number): Promise<AppError> {
  const history = await versionStore.selectHistory.all(deps.db, {
    workspace_id: configuration.workspaceId,
    config_id: configuration.id,
    before: Number.MAX_SAFE_INTEGER,
    limit: VERSIONS_SHOWN_MAX,
  });
  const details = history
    .filter(({ version }) => version > edited)
    .map(({ version, created_at, created_by, origin, changes_summary }) => ({
      version,
      created_at,
      created_by,
      origin,
      changes_summary,
    }));
  return AppError.of("version_conflict", { expected: edited, actual: configuration.version }, { details });
}
