import type { PlannedVersion } from "#actions/commit-planned.ts";
import { compareRenders } from "#actions/compare-renders.ts";
import { type Preview, readHead, secretsOf } from "#actions/preview-save.ts";
import { showRender } from "#actions/shown-render.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { workspaceMask } from "#core/mask.ts";
import type { UploadContent, UploadedFile } from "#core/upload.ts";
import type { Deps } from "#deps.ts";
import { loadUpload } from "#registry/load-upload.ts";
import { judgeUpload } from "#registry/make-upload.ts";
import type { Configuration } from "#store/configuration-store.ts";
import { schemaStore } from "#store/schema-store.ts";
import { versionStore } from "#store/version-store.ts";

type UploadToPreview = {
  workspaceId: string;
  configuration: Configuration | null;
  planned: PlannedVersion & { upload: UploadContent };
};

/** What uploading these files would do, against what devices run; nothing is stored. */
export async function previewFiles(
  deps: Deps,
  { workspaceId, configuration, planned }: UploadToPreview,
  files: readonly UploadedFile[],
): Promise<Preview> {
  const { podmanTarget } = planned;
  const { graph, findings } = judgeUpload(files, podmanTarget);
  const mask = await workspaceMask(deps.settings.LINK_SIGNING_KEY, workspaceId);
  const { head, schema } = await readHeadRow(deps, workspaceId, configuration);
  const base = { against: head?.version ?? null, planned, effective: {}, changes: [], findings };
  if (hasErrors(findings) && planned.upload.force !== true)
    return { ...base, files: null, secrets: [], comparison: null };
  const next = await showRender(files, { madeFrom: null, podmanTarget, mask });
  const old = head ? await readHead(deps, { head, schema, mask, files }) : null;
  return {
    ...base,
    files: next.files,
    secrets: await secretsOf(deps, workspaceId, graph),
    comparison: compareRenders(old, next),
  };
}

/** As `previewFiles`, of files that were uploaded once. */
export async function previewUploadReturn(deps: Deps, of: UploadToPreview): Promise<Preview> {
  const files = await loadUpload(deps, { workspaceId: of.workspaceId, content: of.planned.upload });
  return files.ok ? previewFiles(deps, of, files.value) : lost(of, files.error);
}

const lost = ({ planned }: UploadToPreview, findings: Finding[]): Preview => ({
  against: null,
  planned,
  effective: {},
  changes: [],
  findings,
  files: null,
  secrets: [],
  comparison: null,
});

async function readHeadRow({ db }: Deps, workspaceId: string, configuration: Configuration | null) {
  const of = { workspace_id: workspaceId, version: configuration?.headVersion ?? 0 };
  const [version, schema] = await db.batch([
    versionStore.selectByNumber.bind(db, of),
    schemaStore.selectOfVersion.bind(db, of),
  ]);
  const row = versionStore.selectByNumber.rows(version)[0];
  return {
    head: row && row.deleted !== 1 ? versionStore.fromRow(row) : null,
    schema: schemaStore.selectOfVersion.rows(schema)[0],
  };
}
