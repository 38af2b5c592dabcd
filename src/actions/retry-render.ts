import { nudgeRender } from "#actions/nudge-render.ts";
import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { jobStore } from "#store/job-store.ts";
import { type Version, type VersionRow, versionStore } from "#store/version-store.ts";

/** Queues a failed render once more, with its attempts counted anew. Refused for one that did not fail. */
export async function retryRender(deps: Deps, caller: Caller, number: number): Promise<Version> {
  const { db } = deps;
  const select = versionStore.selectByNumber.bind(db, { workspace_id: caller.workspaceId, version: number });
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [select]);
  const row = versionStore.selectByNumber.rows(results[0])[0];
  if (!row) throw AppError.of("version_not_found", { version: number });
  if (row.job_state !== "failed")
    throw AppError.of("render_not_failed", { version: number, state: row.job_state ?? "a deletion" });
  return requeueFailed(deps, principal, row);
}

/** Queues the failed render of `row` again, with its audit row; answers the version as it is then. */
export async function requeueFailed(deps: Deps, principal: Principal, row: VersionRow): Promise<Version> {
  const { db, clock, ids } = deps;
  const now = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: "render.retried" as const,
    target: `configuration:${row.config_id}`,
    payload: { version_id: row.id, version: row.version },
  };
  const changed = await db.batch([
    await auditStore.forFailedJob(db, entry, row.id),
    jobStore.requeue.bind(db, { version_id: row.id, workspace_id: principal.workspaceId, now }),
    versionStore.selectByNumber.bind(db, { workspace_id: principal.workspaceId, version: row.version }),
  ]);
  await nudgeRender(deps, row.id);
  return versionStore.fromRow(versionStore.selectByNumber.rows(changed.at(-1))[0] ?? row);
}
