import { asDevice, readAs } from "#actions/read-as.ts";
import { type ReportedState, statusOf } from "#core/device-state.ts";
import { AppError } from "#core/errors.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { deploymentStore } from "#store/deployment-store.ts";
import { deviceStore } from "#store/device-store.ts";
import { versionStore } from "#store/version-store.ts";

export type DeploymentReport = {
  boot_id: string;
  sequence: number;
  version: number;
  manifest_sha256: string;
  state: ReportedState;
  drifted: boolean;
  steps: JsonObject[];
  units: JsonObject[];
  error: string | null;
};

/** `applied`: the current row says so now. `late`: kept, but something newer was known. `repeated`: was here before. */
export type ReportOutcome = "applied" | "late" | "repeated";

/**
 * Takes what a device says about the version that it installs. It must be a rendered version of this workspace and name
 * its manifest's digest, else nothing is stored. Reports may come late, twice and in any order: each is stored once, and
 * the current row follows only what is newer in boot and sequence and of no older version. Event, row and audit row are
 * one batch, and the event's own insert decides, so two reports at once cannot both be the newest.
 */
export async function reportDeployment(deps: Deps, caller: Caller, report: DeploymentReport): Promise<ReportOutcome> {
  const { db, ids, clock } = deps;
  const { userUuid, deviceId } = asDevice(caller);
  const of = { user_uuid: userUuid, device_id: deviceId };
  const { principal, results } = await readAs(deps, { caller, permission: "deployments:report" }, [
    versionStore.selectByNumber.bind(db, { workspace_id: caller.workspaceId, version: report.version }),
    deviceStore.selectOwn.bind(db, of),
  ]);
  const version = versionStore.selectByNumber.rows(results[0])[0];
  const device = deviceStore.selectOwn.rows(results[1])[0];
  if (!version) throw AppError.of("version_not_found", { version: report.version });
  if (!device) throw AppError.of("device_not_found", { device: deviceId });
  if (version.manifest_checksum === null)
    throw AppError.of("render_not_ready", { version: report.version, state: version.job_state ?? "queued" });
  if (version.manifest_checksum !== report.manifest_sha256)
    throw AppError.of("manifest_mismatch", { version: report.version });

  const now = toInstant(clock.now());
  const eventId = ids.uuid();
  const workspace_id = principal.workspaceId;
  const entry = {
    id: ids.uuid(),
    workspaceId: workspace_id,
    at: now,
    actor: `device:${deviceId}`,
    action: "deployment.reported" as const,
    target: `configuration:${version.config_id}`,
    payload: { event_id: eventId, version: report.version, state: report.state, drifted: report.drifted },
  };
  const { steps, units, error } = report;
  const batch = await db.batch([
    deviceStore.insertBoot.bind(db, { ...of, boot_id: report.boot_id, now }),
    deploymentStore.insertEvent.bind(db, {
      id: eventId,
      workspace_id,
      ...of,
      version: report.version,
      manifest_checksum: report.manifest_sha256,
      boot_id: report.boot_id,
      sequence: report.sequence,
      state: report.state,
      is_drifted: report.drifted ? 1 : 0,
      payload: canonicalJson({ steps, units, error }),
      now,
    }),
    deploymentStore.apply.bind(db, {
      row_id: ids.uuid(),
      event_id: eventId,
      workspace_id,
      status: statusOf(report.state),
      hostname: device.hostname,
      error_message: error,
    }),
    await auditStore.forReport(db, entry, eventId),
    deploymentStore.selectEvent.bind(db, { id: eventId, workspace_id }),
  ]);
  const event = deploymentStore.selectEvent.rows(batch.at(-1))[0];
  if (!event) return "repeated";
  return event.is_applied === 1 ? "applied" : "late";
}
