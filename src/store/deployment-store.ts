import type { DeploymentStatus, DeviceState, ReportedState } from "#core/device-state.ts";
import { statement } from "#store/statement.ts";

export type DeploymentRow = {
  id: string;
  config_id: string;
  namespace: string;
  deployment_name: string;
  head_version: number | null;
  user_uuid: string;
  device_id: string;
  hostname: string;
  podman_version: string | null;
  podman_target: string | null;
  config_version: number;
  epoch: number | null;
  manifest_checksum: string | null;
  deployment_status: DeploymentStatus;
  state: DeviceState;
  is_drifted: number;
  error_message: string | null;
  installed_at: string | null;
  /** The last that was heard of the device: a report or a poll. */
  seen_at: string;
  assigned_version: number | null;
  assigned_at: string | null;
  fetched_at: string | null;
  written_at: string | null;
  generated_at: string | null;
  started_at: string | null;
  healthy_at: string | null;
  failed_at: string | null;
  removed_at: string | null;
  drifted_at: string | null;
};

type PageParams = {
  workspace_id: string;
  namespace: string | null;
  deployment_name: string | null;
  device_id: string | null;
  after_config: string;
  after_device: string;
  limit: number;
};

/** The podman_target is of the version that the device should run: the head. */
const selectPage = statement<PageParams, DeploymentRow>(
  `SELECT p.*, c.namespace, c.deployment_name, h.version AS head_version, d.hostname, d.podman_version, v.podman_target,
     MAX(p.last_checked, d.last_seen) AS seen_at
   FROM deployments p
   JOIN configurations c ON c.id = p.config_id
   JOIN devices d ON d.user_uuid = p.user_uuid AND d.device_id = p.device_id
   LEFT JOIN deployment_heads h ON h.config_id = p.config_id
   LEFT JOIN configuration_versions v ON v.workspace_id = p.workspace_id AND v.version = h.version
   WHERE p.workspace_id = :workspace_id AND (p.config_id, p.device_id) > (:after_config, :after_device)
     AND (:namespace IS NULL OR c.namespace = :namespace)
     AND (:deployment_name IS NULL OR c.deployment_name = :deployment_name)
     AND (:device_id IS NULL OR p.device_id = :device_id)
   ORDER BY p.config_id, p.device_id LIMIT :limit`,
);

export type Report = {
  id: string;
  workspace_id: string;
  user_uuid: string;
  device_id: string;
  version: number;
  manifest_checksum: string;
  boot_id: string;
  sequence: number;
  state: ReportedState;
  is_drifted: number;
  payload: string;
  now: string;
};

/**
 * Stores a report about a version that was rendered with that very digest, once, and decides in the same statement whether
 * it counts: it must be of no older version and of a later moment than what the current row was made from. Two reports at
 * once are judged one after the other, since D1 runs one batch at a time.
 */
const insertEvent = statement<Report>(
  `INSERT INTO deployment_events (id, workspace_id, user_uuid, device_id, config_id, epoch, version, manifest_checksum,
     boot_id, boot_ordinal, sequence, state, is_drifted, payload, is_applied, received_at)
   SELECT :id, r.workspace_id, :user_uuid, :device_id, r.config_id, r.epoch, r.version, r.manifest_checksum, b.boot_id,
     b.ordinal, :sequence, :state, :is_drifted, :payload,
     NOT EXISTS (SELECT 1 FROM deployments p WHERE p.config_id = r.config_id AND p.device_id = :device_id
                 AND p.boot_ordinal IS NOT NULL
                 AND ((p.epoch, p.config_version) > (r.epoch, r.version)
                      OR (p.boot_ordinal, p.sequence) >= (b.ordinal, :sequence))), :now
   FROM rendered_quadlets r
   JOIN device_boots b ON b.user_uuid = :user_uuid AND b.device_id = :device_id AND b.boot_id = :boot_id
   WHERE r.workspace_id = :workspace_id AND r.version = :version AND r.manifest_checksum = :manifest_checksum
     AND NOT EXISTS (SELECT 1 FROM deployment_events WHERE user_uuid = :user_uuid AND device_id = :device_id
                     AND config_id = r.config_id AND boot_id = :boot_id AND sequence = :sequence)`,
);

const time = (state: string) =>
  `${state}_at = CASE WHEN deployments.config_version = excluded.config_version AND deployments.epoch = excluded.epoch
     THEN COALESCE(deployments.${state}_at, excluded.${state}_at) ELSE excluded.${state}_at END`;
const TIMES = ["fetched", "written", "generated", "started", "healthy", "failed", "removed"] as const;

/** Brings the current row to what an event that counts has said. The times of a version are those of its first reports. */
const apply = statement<{
  row_id: string;
  event_id: string;
  workspace_id: string;
  status: DeploymentStatus;
  hostname: string;
  error_message: string | null;
}>(
  `INSERT INTO deployments (id, workspace_id, user_uuid, config_id, config_version, device_id, device_hostname,
     deployment_status, installed_at, last_checked, error_message, epoch, manifest_checksum, boot_ordinal, sequence, state,
     is_drifted, drifted_at, ${TIMES.map((state) => `${state}_at`).join(", ")})
   SELECT :row_id, e.workspace_id, e.user_uuid, e.config_id, e.version, e.device_id, :hostname, :status,
     CASE e.state WHEN 'healthy' THEN e.received_at END, e.received_at, :error_message, e.epoch, e.manifest_checksum,
     e.boot_ordinal, e.sequence, e.state, e.is_drifted, CASE e.is_drifted WHEN 1 THEN e.received_at END,
     ${TIMES.map((state) => `CASE e.state WHEN '${state}' THEN e.received_at END`).join(", ")}
   FROM deployment_events e WHERE e.id = :event_id AND e.workspace_id = :workspace_id AND e.is_applied = 1
   ON CONFLICT (config_id, device_id) DO UPDATE SET ${TIMES.map(time).join(", ")},
     drifted_at = CASE WHEN excluded.is_drifted = 0 THEN NULL ELSE COALESCE(deployments.drifted_at, excluded.drifted_at) END,
     installed_at = CASE WHEN deployments.config_version = excluded.config_version
       THEN COALESCE(deployments.installed_at, excluded.installed_at) ELSE excluded.installed_at END,
     config_version = excluded.config_version, epoch = excluded.epoch, manifest_checksum = excluded.manifest_checksum,
     device_hostname = excluded.device_hostname, deployment_status = excluded.deployment_status,
     last_checked = excluded.last_checked, error_message = excluded.error_message, boot_ordinal = excluded.boot_ordinal,
     sequence = excluded.sequence, state = excluded.state, is_drifted = excluded.is_drifted`,
);

const selectEvent = statement<{ id: string; workspace_id: string }, { is_applied: number }>(
  `SELECT is_applied FROM deployment_events WHERE id = :id AND workspace_id = :workspace_id`,
);

/**
 * Notes that a version was handed to a device. Nothing that the device reported changes; a row without reports stands
 * for the version that it was given last.
 */
const assign = statement<{
  id: string;
  workspace_id: string;
  user_uuid: string;
  device_id: string;
  config_id: string;
  epoch: number;
  version: number;
  now: string;
}>(
  `INSERT INTO deployments (id, workspace_id, user_uuid, config_id, config_version, device_id, device_hostname,
     deployment_status, last_checked, state, assigned_epoch, assigned_version, assigned_at)
   SELECT :id, :workspace_id, d.user_uuid, :config_id, :version, d.device_id, d.hostname, 'pending', :now, 'assigned',
     :epoch, :version, :now
   FROM devices d WHERE d.user_uuid = :user_uuid AND d.device_id = :device_id
   ON CONFLICT (config_id, device_id) DO UPDATE SET assigned_epoch = excluded.assigned_epoch,
     assigned_version = excluded.assigned_version, assigned_at = excluded.assigned_at,
     config_version = CASE WHEN deployments.boot_ordinal IS NULL THEN excluded.config_version
                           ELSE deployments.config_version END
   WHERE (excluded.assigned_epoch, excluded.assigned_version)
       > (COALESCE(deployments.assigned_epoch, 0), COALESCE(deployments.assigned_version, 0))`,
);

export type EventRow = {
  sequence_id: number;
  id: string;
  namespace: string;
  deployment_name: string;
  device_id: string;
  version: number;
  boot_id: string;
  sequence: number;
  state: ReportedState;
  is_drifted: number;
  payload: string;
  is_applied: number;
  received_at: string;
};

const selectEvents = statement<
  {
    workspace_id: string;
    namespace: string | null;
    deployment_name: string | null;
    device_id: string | null;
    before: number;
    limit: number;
  },
  EventRow
>(
  `SELECT e.*, c.namespace, c.deployment_name FROM deployment_events e JOIN configurations c ON c.id = e.config_id
   WHERE e.workspace_id = :workspace_id AND e.sequence_id < :before
     AND (:namespace IS NULL OR c.namespace = :namespace)
     AND (:deployment_name IS NULL OR c.deployment_name = :deployment_name)
     AND (:device_id IS NULL OR e.device_id = :device_id)
   ORDER BY e.sequence_id DESC LIMIT :limit`,
);

export const deploymentStore = { selectPage, insertEvent, apply, selectEvent, assign, selectEvents };
