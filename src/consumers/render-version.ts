import { type MadeRender, makeRender } from "#registry/make-render.ts";
import { makeUpload } from "#registry/make-upload.ts";
import { loadUpload } from "#registry/load-upload.ts";
import type { Result } from "#core/result.ts";
import { UploadContent } from "#core/upload.ts";
import { storeRender } from "#consumers/store-render.ts";
import { FINDINGS_MAX, type Finding } from "#core/finding.ts";
import { causeText } from "#core/log.ts";
import { backoffSeconds, leaseEnd } from "#core/render-job.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { loadPack } from "#registry/load-pack.ts";
import { type AuditEntry, auditStore } from "#store/audit-store.ts";
import { type JobFacts, type JobInputsRow, type UploadJobRow, isUploadJob, jobStore } from "#store/job-store.ts";

/**
 * What became of a job that somebody pointed at. `nothing_due`: it is done, or another consumer holds its lease.
 * `postponed`: a storage or GitHub did not answer; the job is queued again for later.
 */
export type RenderOutcome =
  | { kind: "rendered" | "failed" | "nothing_due" | "lease_lost" }
  | { kind: "postponed"; reason: string; delaySeconds: number };

/** What the job's `failure` column holds, and what GET /renders shows. */
export type RenderFailure = { code: "render_failed" | "render_crashed"; message: string; findings: Finding[] };

/**
 * Renders one version: lease, pack, pure render, files, manifest, commit. Three round trips to D1. Safe to call by anybody at
 * any time and any number of times: the lease lets one through, the files are create-only, the manifest is the commit
 * point of the files and the batch after it the commit of the rows; whatever dies in between is done again by the next.
 */
export async function renderVersion(deps: Deps, versionId: string): Promise<RenderOutcome> {
  const leased = await takeLease(deps, versionId);
  if (!leased) return { kind: "nothing_due" };
  const { row, leaseId, faults } = leased;
  try {
    const made = isUploadJob(row) ? await placeUpload(deps, row) : await render(deps, row);
    if (!made.ok) return await fail(deps, { row, leaseId, findings: made.error });
    return { kind: await storeRender(deps, { row, leaseId, made: made.value }) };
  } catch (cause) {
    return postpone(deps, { row, leaseId, faults, cause });
  }
}

async function render(deps: Deps, row: JobInputsRow): Promise<Result<MadeRender, Finding[]>> {
  const pack = await loadPack(deps, row);
  return pack.ok ? makeRender(row, pack.value, deps.engineVersion) : pack;
}

/** An upload is shipped as it came, under the same rules: checked, indexed by a manifest, written once. */
async function placeUpload(deps: Deps, row: UploadJobRow): Promise<Result<MadeRender, Finding[]>> {
  const content = UploadContent.parse(JSON.parse(row.config_data));
  const files = await loadUpload(deps, { workspaceId: row.workspace_id, content });
  if (!files.ok) return files;
  return makeUpload(row, { files: files.value, force: content.force, engineVersion: deps.engineVersion });
}

type Leased = { row: JobInputsRow | UploadJobRow; leaseId: string; faults: number };

/** One batch: lease the job and read what it is about; a second one, with its audit row, ends one that crashed too often. */
async function takeLease(deps: Deps, versionId: string): Promise<Leased | null> {
  const { db, clock, ids, log } = deps;
  const now = clock.now();
  const leaseId = ids.uuid();
  const at = toInstant(now);
  const [crashed, lease, inputs] = await db.batch([
    jobStore.selectCrashed.bind(db, { version_id: versionId, now: at }),
    jobStore.lease.bind(db, {
      version_id: versionId,
      now: at,
      lease_id: leaseId,
      lease_until: toInstant(leaseEnd(now)),
    }),
    jobStore.selectInputs.bind(db, { version_id: versionId }),
  ]);
  const row = jobStore.selectInputs.rows(inputs)[0];
  if (jobStore.selectCrashed.rows(crashed).length > 0 && row) {
    await db.batch([
      jobStore.failCrashed.bind(db, { version_id: versionId, now: at, failure: JSON.stringify(CRASHED) }),
      await auditStore.forFailure(db, failureEntry(deps, row, { code: CRASHED.code, at }), versionId),
    ]);
    log("render.crashed", { version_id: versionId, workspace_id: row.workspace_id, version: row.number });
  }
  const job = jobStore.lease.rows(lease)[0];
  return job && row ? { row, leaseId, faults: job.faults } : null;
}

const CRASHED: RenderFailure = {
  code: "render_crashed",
  message: "Rendering this version ended its process five times.",
  findings: [],
};

function failureEntry({ ids }: Deps, row: JobFacts, { code, at }: { code: string; at: string }): AuditEntry {
  return {
    id: ids.uuid(),
    workspaceId: row.workspace_id,
    at,
    actor: "system:renderer",
    action: "version.failed",
    target: `configuration:${row.config_id}`,
    payload: { version_id: row.version_id, version: row.number, code },
  };
}

/** A deterministic failure: it ends here, visibly, and the head stays where it was. */
async function fail(
  deps: Deps,
  { row, leaseId, findings }: { row: JobFacts; leaseId: string; findings: Finding[] },
): Promise<RenderOutcome> {
  const { db, clock, log } = deps;
  const at = toInstant(clock.now());
  const message = findings[0]?.message ?? "The render was refused.";
  const failure: RenderFailure = { code: "render_failed", message, findings: findings.slice(0, FINDINGS_MAX) };
  await db.batch([
    jobStore.fail.bind(db, {
      version_id: row.version_id,
      lease_id: leaseId,
      failure: JSON.stringify(failure),
      now: at,
    }),
    await auditStore.forFailure(db, failureEntry(deps, row, { code: failure.code, at }), row.version_id),
  ]);
  log("render.failed", {
    version_id: row.version_id,
    workspace_id: row.workspace_id,
    version: row.number,
    count: findings.length,
  });
  return { kind: "failed" };
}

/** A fault of the transport: the version is not to blame, so the lease is given back and counts as a fault, not a crash. */
async function postpone(
  { db, clock, log }: Deps,
  { row, leaseId, faults, cause }: Leased & { cause: unknown },
): Promise<RenderOutcome> {
  const now = clock.now();
  const delaySeconds = backoffSeconds(faults + 1);
  const reason = causeText(cause);
  log("render.postponed", {
    version_id: row.version_id,
    workspace_id: row.workspace_id,
    delay_seconds: delaySeconds,
    cause: reason,
  });
  await jobStore.release
    .bind(db, {
      version_id: row.version_id,
      lease_id: leaseId,
      next_attempt_at: toInstant(secondsAfter(now, delaySeconds)),
      now: toInstant(now),
    })
    .run();
  return { kind: "postponed", reason, delaySeconds };
}
