import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CursorQuery, VersionParam } from "#api/parameters.ts";
import { REPORTED_STATES, ReportedState } from "#core/device-state.ts";
import { Finding } from "#core/finding.ts";
import { LIMITS } from "#core/limits.ts";
import { DeploymentName, Namespace } from "#core/names.ts";

const ItemState = z.enum(["ok", "running", "failed", "skipped"]);
const Item = z.strictObject({
  name: z.string().min(1).max(255),
  state: ItemState,
  at: z.iso.datetime({ offset: true }).optional(),
  detail: z.string().max(500).optional(),
});

export const DeploymentReport = z
  .strictObject({
    boot_id: z.uuid().openapi({ description: "The kernel's boot id: a new one starts a new sequence." }),
    sequence: z.int().nonnegative().openapi({ description: "Grows by one per report within a boot." }),
    version: z.int().positive(),
    manifest_sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits, lower case."),
    state: ReportedState,
    drifted: z.boolean().default(false).openapi({ description: "Installed files were changed on the device." }),
    steps: z.array(Item).max(LIMITS.report_items_max.value).default([]),
    units: z.array(Item).max(LIMITS.report_items_max.value).default([]),
    error: z.string().max(2000).nullable().default(null),
  })
  .openapi("DeploymentReport");

const Deployment = z
  .object({
    config_id: z.uuid(),
    name: z.string(),
    namespace: z.string(),
    device_id: z.string(),
    hostname: z.string(),
    status: z.enum(["pending", "installing", "active", "failed"]),
    state: z.enum(["assigned", ...REPORTED_STATES]),
    version: z.int().openapi({ description: "What the device proved, or while it said nothing, what it was given." }),
    manifest_sha256: z.string().nullable(),
    head_version: z.int().nullable(),
    is_behind: z.boolean(),
    is_drifted: z.boolean(),
    is_offline: z.boolean().openapi({ description: "Not heard of for 15 minutes. Not a failure." }),
    error: z.string().nullable(),
    podman_version: z.string().nullable(),
    findings: z.array(Finding),
    assigned_version: z.int().nullable(),
    times: z.object({
      assigned: z.string().nullable(),
      fetched: z.string().nullable(),
      written: z.string().nullable(),
      generated: z.string().nullable(),
      started: z.string().nullable(),
      healthy: z.string().nullable(),
      failed: z.string().nullable(),
      removed: z.string().nullable(),
      drifted: z.string().nullable(),
      seen: z.string(),
    }),
  })
  .openapi("Deployment");

const DeploymentEvent = z
  .object({
    id: z.uuid(),
    name: z.string(),
    namespace: z.string(),
    device_id: z.string(),
    version: z.int(),
    boot_id: z.string(),
    sequence: z.int(),
    state: ReportedState,
    is_drifted: z.boolean(),
    is_applied: z.boolean().openapi({ description: "False for a report that came after something newer." }),
    steps: z.array(Item),
    units: z.array(Item),
    error: z.string().nullable(),
    received_at: z.string(),
  })
  .openapi("DeploymentEvent");

const Filter = CursorQuery.extend({
  deployment: DeploymentName.optional(),
  namespace: Namespace.optional(),
  device: z.string().min(1).max(200).optional(),
});

export const listDeploymentsRoute = createRoute({
  operationId: "listDeployments",
  summary: "What runs where, as far as devices proved it",
  tags: ["devices"],
  method: "get",
  path: "/deployments",
  ...needs("config:read"),
  request: { query: Filter },
  responses: {
    200: answers(z.object({ deployments: z.array(Deployment), next_cursor: z.string().nullable() }), "A page"),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

export const listDeploymentEventsRoute = createRoute({
  operationId: "listDeploymentEvents",
  summary: "Every report of a device, newest first",
  tags: ["devices"],
  method: "get",
  path: "/deployments/events",
  ...needs("config:read"),
  request: { query: Filter },
  responses: {
    200: answers(z.object({ events: z.array(DeploymentEvent), next_cursor: z.string().nullable() }), "A page"),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

export const reportDeploymentRoute = createRoute({
  operationId: "reportDeployment",
  summary: "A device says how far it is with a version",
  tags: ["devices"],
  method: "post",
  path: "/deployments/report",
  ...needs("deployments:report"),
  request: { body: takes(DeploymentReport, "What is installed, and what its units do") },
  responses: {
    200: answers(
      z.object({
        outcome: z.enum(["applied", "late", "repeated"]),
        version: VersionParam,
      }),
      "Kept; a late one changes nothing that is newer",
    ),
    ...refuses(
      "version_not_found",
      "render_not_ready",
      "manifest_mismatch",
      "device_not_found",
      "insufficient_permissions",
      "request_invalid",
    ),
  },
});
