import { FINDINGS_MAX, type Finding } from "#core/finding.ts";
import type { MadeRender } from "#registry/make-render.ts";
import { sha256Hex } from "#core/digest.ts";
import { causeText } from "#core/log.ts";
import { Manifest, manifestRecord } from "#core/manifest.ts";
import { leaseEnd } from "#core/render-job.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type JobFacts, jobStore } from "#store/job-store.ts";
import { putManifestRecord } from "#store/manifest-cache.ts";
import { renderFiles, renderPrefix } from "#store/render-files.ts";
import { renderStore } from "#store/render-store.ts";
import { type SecretUse, secretUseStore } from "#store/secret-use-store.ts";

const PUTS_AT_ONCE = 6;

type Job = { row: JobFacts; leaseId: string; made: MadeRender };

/**
 * Files, then the manifest, then the rows. Before the manifest exists the holder of the lease replaces what a dead attempt
 * of another engine version left; once it exists, it is the result, and this attempt commits its rows for it.
 *
 * The race that the renewal closes: an attempt that stalled for longer than its lease wakes up, while its successor has
 * replaced some of its files. It must not put a manifest over a mixture, so it asks whether the lease is still its own,
 * and gets a full term for the one put that follows.
 */
export async function storeRender(deps: Deps, { row, leaseId, made }: Job): Promise<"rendered" | "lease_lost"> {
  const { files: bucket, db, clock, log } = deps;
  const facts = { workspaceId: row.workspace_id, version: row.number, uploadedAt: row.created_at };
  const about = { workspace_id: row.workspace_id, version: row.number, version_id: row.version_id };
  const startedAt = clock.now();

  const renewLease = async () => {
    const now = clock.now();
    const lease = { version_id: row.version_id, lease_id: leaseId, lease_until: toInstant(leaseEnd(now)) };
    return (await jobStore.renewLease.first(db, { ...lease, now: toInstant(now) })) !== null;
  };

  let adopted: Uint8Array | null = null;
  for (let at = 0; at < made.files.length && adopted === null; at += PUTS_AT_ONCE) {
    const some = made.files.slice(at, at + PUTS_AT_ONCE);
    const outcomes = await Promise.all(
      some.map((file) => renderFiles.put(bucket, file, { ...facts, holdsLease: renewLease })),
    );
    if (outcomes.includes("replaced"))
      log("object.replaced", { ...about, count: outcomes.filter((o) => o === "replaced").length });
    if (outcomes.includes("lease_lost")) return "lease_lost";
    if (outcomes.includes("committed_elsewhere")) adopted = await renderFiles.manifest(bucket, facts);
  }
  if (adopted === null) {
    if (!(await renewLease())) return "lease_lost";
    adopted = await renderFiles.commit(bucket, made.manifest, facts);
  }
  const bytes = adopted ?? made.manifest.bytes;
  const sha256 = adopted ? await sha256Hex(adopted) : made.manifest.sha256;
  const index = adopted ? Manifest.parse(JSON.parse(new TextDecoder().decode(bytes))) : made.index;
  if (sha256 !== made.manifest.sha256) {
    // Equal inputs must give equal bytes: then this is a defect. Another engine version explains it.
    const isExplained = index.inputs.engine_version !== made.index.inputs.engine_version;
    log(isExplained ? "render.adopted" : "render.diverged", { ...about, digest: sha256 });
  }
  const { warnings } = made;
  const { secretUses } = made;
  const durationMs = clock.now().getTime() - startedAt.getTime();
  await commitRows(deps, { row, index, sha256, warnings, secretUses, durationMs });

  const record = {
    graph: made.graph,
    manifestSha256: sha256,
    basePath: renderPrefix(row.workspace_id, row.number),
    cliVersion: row.cli_version,
  };
  try {
    await putManifestRecord(deps.manifests, manifestRecord(index, record));
  } catch (cause) {
    log("cache.missed", { ...about, cause: causeText(cause) }); // a copy: the scrubber writes it again
  }
  return "rendered";
}

type Committed = {
  row: JobFacts;
  index: Manifest;
  sha256: string;
  warnings: readonly Finding[];
  secretUses: readonly SecretUse[];
  durationMs: number;
};

async function commitRows(
  { db, ids, clock }: Deps,
  { row, index, sha256, warnings, secretUses, durationMs }: Committed,
): Promise<void> {
  const now = toInstant(clock.now());
  const renderId = ids.uuid();
  const entry = {
    id: ids.uuid(),
    workspaceId: row.workspace_id,
    at: now,
    actor: "system:renderer",
    action: "version.rendered" as const,
    target: `configuration:${row.config_id}`,
    payload: { version_id: row.version_id, version: row.number, manifest: sha256, files: index.files.length },
  };
  await db.batch([
    renderStore.insert.bind(db, {
      id: renderId,
      version_id: row.version_id,
      r2_base_path: renderPrefix(row.workspace_id, row.number),
      manifest_checksum: sha256,
      file_count: index.files.length,
      total_size_bytes: index.files.reduce((sum, file) => sum + file.size, 0),
      rendering_duration_ms: durationMs,
      engine_version: index.inputs.engine_version,
      pack_digest: index.inputs.pack_digest ?? "",
      rendered_at: now,
    }),
    jobStore.finish.bind(db, {
      version_id: row.version_id,
      warnings: JSON.stringify(warnings.slice(0, FINDINGS_MAX)),
      now,
    }),
    renderStore.moveHead.bind(db, { version_id: row.version_id, now }),
    await auditStore.forRender(db, entry, renderId),
    secretUseStore.recordForVersion.bind(db, { version_id: row.version_id, uses: JSON.stringify(secretUses) }),
  ]);
}
