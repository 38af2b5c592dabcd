import { z } from "zod";
import { type DeploymentView, listDeploymentEvents, listDeployments } from "#actions/read-deployments.ts";
import { reportDeployment } from "#actions/report-deployment.ts";
import { createRoutes } from "#api/create-routes.ts";
import {
  type DeploymentReport,
  listDeploymentEventsRoute,
  listDeploymentsRoute,
  reportDeploymentRoute,
} from "#api/deployments/contract.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";
import type { JsonObject } from "#core/json.ts";
import type { EventRow } from "#store/deployment-store.ts";

const DeploymentCursor = z.object({ config: z.string(), device: z.string() });
const EventCursor = z.object({ event: z.int().positive() });

type Query = { deployment?: string | undefined; namespace?: string | undefined; device?: string | undefined };
const filterOf = ({ deployment, namespace, device }: Query) => ({
  deployment: deployment ?? null,
  namespace: namespace ?? null,
  device: device ?? null,
});

export const deploymentRoutes = () =>
  createRoutes()
    .openapi(listDeploymentsRoute, async (c) => {
      const query = c.req.valid("query");
      const { items, next } = await listDeployments(c.get("deps"), c.get("caller"), {
        filter: filterOf(query),
        after: decodeCursor(query.cursor, DeploymentCursor),
        limit: query.limit,
      });
      const data = { deployments: items.map(deploymentView), next_cursor: next && encodeCursor(next) };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(listDeploymentEventsRoute, async (c) => {
      const query = c.req.valid("query");
      const { items, next } = await listDeploymentEvents(c.get("deps"), c.get("caller"), {
        filter: filterOf(query),
        before: decodeCursor(query.cursor, EventCursor)?.event ?? null,
        limit: query.limit,
      });
      const next_cursor = next === null ? null : encodeCursor({ event: next });
      return c.json({ success: true as const, data: { events: items.map(eventView), next_cursor } }, 200);
    })
    .openapi(reportDeploymentRoute, async (c) => {
      const { steps, units, ...report } = c.req.valid("json");
      const outcome = await reportDeployment(c.get("deps"), c.get("caller"), {
        ...report,
        steps: steps as unknown as JsonObject[],
        units: units as unknown as JsonObject[],
      });
      return c.json({ success: true as const, data: { outcome, version: report.version } }, 200);
    });

const deploymentView = (row: DeploymentView) => ({
  config_id: row.config_id,
  name: row.deployment_name,
  namespace: row.namespace,
  device_id: row.device_id,
  hostname: row.hostname,
  status: row.deployment_status,
  state: row.state,
  version: row.config_version,
  manifest_sha256: row.manifest_checksum,
  head_version: row.head_version,
  is_behind: row.is_behind,
  is_drifted: row.is_drifted === 1,
  is_offline: row.is_offline,
  error: row.error_message,
  podman_version: row.podman_version,
  findings: row.findings,
  assigned_version: row.assigned_version,
  times: {
    assigned: row.assigned_at,
    fetched: row.fetched_at,
    written: row.written_at,
    generated: row.generated_at,
    started: row.started_at,
    healthy: row.healthy_at,
    failed: row.failed_at,
    removed: row.removed_at,
    drifted: row.drifted_at,
    seen: row.seen_at,
  },
});

const eventView = (row: EventRow) => ({
  id: row.id,
  name: row.deployment_name,
  namespace: row.namespace,
  device_id: row.device_id,
  version: row.version,
  boot_id: row.boot_id,
  sequence: row.sequence,
  state: row.state,
  is_drifted: row.is_drifted === 1,
  is_applied: row.is_applied === 1,
  ...(JSON.parse(row.payload) as Pick<z.infer<typeof DeploymentReport>, "steps" | "units" | "error">),
  received_at: row.received_at,
});
