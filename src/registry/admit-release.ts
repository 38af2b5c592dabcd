import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type Admission, admitPack, examined, quarantined } from "#registry/admit-pack.ts";
import { type FetchedRelease, type Release, fetchRelease, packAsset } from "#registry/fetch-release.ts";
import type { GitHub } from "#registry/github-client.ts";
import { previousPack } from "#registry/previous-pack.ts";
import { auditStore } from "#store/audit-store.ts";
import { fanoutStore } from "#store/fanout-store.ts";
import { impactStore } from "#store/impact-store.ts";
import { packBlobs } from "#store/pack-blobs.ts";
import { type SchemaRow, schemaStore } from "#store/schema-store.ts";

type ToAdmit = { github: GitHub; repository: string; pack: string; release: Release };

/**
 * Fetches one release, examines it and stores what came of it: the pack in R2 (backup first), then the row, its fan-out, its impact job
 * and its audit row in one batch. Throws for transport failures, which the next sync meets again; a fault of the release is an answer.
 */
export async function admitRelease(deps: Deps, of: ToAdmit): Promise<"ready" | "quarantined"> {
  const { db, ids, clock } = deps;
  const { github, repository, pack, release } = of;
  const version = release.tag_name;
  const fetched = await fetchRelease(github, repository, release);
  const admission = fetched.ok
    ? examined(await admitPack(fetched.value.files, { pack, version, notes: release.body ?? "" }), {
        version,
        previous: await previousPack(deps, { pack, version }),
      })
    : quarantined(fetched.error);
  if (admission.digest !== "") await packBlobs.put(deps, { pack, version, digest: admission.digest }, admission.text);
  const at = toInstant(clock.now());
  const row = rowOf(of, { admission, fetched: fetched.ok ? fetched.value : null, at });
  const { status } = row;
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at,
    actor: "system:registry",
    action: `schema.${status === "ready" ? "admitted" : "quarantined"}` as const,
    target: `schema:${pack}/${version}`,
    payload: { repository, pack_digest: admission.digest, findings: admission.report.length },
  };
  await db.batch([
    schemaStore.insert.bind(db, row),
    fanoutStore.start.bind(db, { pack, version, fetched_at: at, now: at }),
    impactStore.startForSchema.bind(db, { id: ids.uuid(), pack, version, fetched_at: at, now: at }),
    await auditStore.forSchema(db, entry, { pack, version, fetched_at: at }),
  ]);
  return status === "ready" ? "ready" : "quarantined";
}

function rowOf(
  { repository, pack, release }: ToAdmit,
  { admission, fetched, at }: { admission: Admission; fetched: FetchedRelease | null; at: string },
): SchemaRow {
  const { compatibility } = admission;
  return {
    pack,
    version: release.tag_name,
    repository,
    github_release_url: release.html_url,
    github_tag: release.tag_name,
    commit_sha: fetched?.commitSha ?? "",
    asset_digest: (fetched ? fetched.assetDigest : packAsset(release)?.digest) ?? null,
    pack_digest: admission.digest,
    template_manifest: JSON.stringify(admission.templateManifest),
    config_schema: JSON.stringify(admission.pack?.schema ?? {}),
    podman_min: admission.pack?.podman.min ?? "5.4",
    podman_max: admission.pack?.podman.max ?? null,
    status: admission.status,
    report: JSON.stringify(admission.report),
    compatibility: compatibility && JSON.stringify(compatibility),
    migration_required: Number(compatibility?.class === "migrates" || compatibility?.class === "needs_input"),
    matrix: admission.matrix && JSON.stringify(admission.matrix),
    released_at: release.published_at ?? release.created_at,
    fetched_at: at,
  };
}
