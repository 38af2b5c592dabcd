import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CreateHeaders, CursorQuery, NameParams, NamespaceQuery, SaveHeaders, VersionParam } from "#api/parameters.ts";
import { Finding } from "#core/finding.ts";
import { JsonObject } from "#core/json.ts";
import { isRange } from "#core/schema-choice.ts";
import { DeploymentName, PackSlug, PodmanTarget, SchemaVersion } from "#core/names.ts";

const UpgradePolicy = z.enum(["pinned", "propose", "auto"]);

// Strict: a misspelt podman_target must not be saved as if nothing had been said.
const CreateConfiguration = z
  .strictObject({
    deployment_name: DeploymentName,
    config_data: JsonObject,
    pack: PackSlug.default("leger"),
    schema_version: SchemaVersion.optional().openapi({ description: "Default: the newest ready one in the range." }),
    schema_range: z
      .string()
      .min(1)
      .max(100)
      .refine(isRange, "A semver range like ^1.2.0.")
      .optional()
      .openapi({ example: "^1.0.0" }),
    upgrade_policy: UpgradePolicy.optional(),
    podman_target: PodmanTarget.optional().openapi({ description: "Default: 5.4." }),
    allow_deprecated: z.boolean().optional(),
  })
  .openapi("CreateConfiguration");

export const SaveConfiguration = z
  .strictObject({
    config_data: JsonObject,
    schema_version: SchemaVersion.optional().openapi({
      description: "Default: the one it has; an edit never upgrades by the way.",
    }),
    podman_target: PodmanTarget.optional(),
    allow_deprecated: z.boolean().optional(),
  })
  .openapi("SaveConfiguration");

const Configuration = z
  .object({
    config_id: z.uuid(),
    name: z.string(),
    namespace: z.string(),
    version: z.int().openapi({ description: "The newest saved version." }),
    head_version: z.int().nullable().openapi({ description: "The newest rendered version: what devices get." }),
    render_state: z.string().nullable(),
    config_data: JsonObject,
    pack: z.string().nullable().openapi({ description: "null: finished files were uploaded." }),
    schema_version: z.string().nullable(),
    schema_range: z.string(),
    upgrade_policy: UpgradePolicy,
    podman_target: z.string(),
    is_active: z.boolean(),
    changes_summary: z.string().nullable(),
    created_at: z.string(),
    created_by: z.string(),
    saved_at: z.string(),
    deleted_at: z.string().nullable(),
    purged_at: z.string().nullable(),
  })
  .openapi("Configuration");

export const Version = z
  .object({
    version: z.int(),
    epoch: z.int(),
    config_id: z.uuid(),
    name: z.string(),
    namespace: z.string(),
    config_data: JsonObject,
    pack: z.string().nullable().openapi({ description: "null: finished files were uploaded." }),
    schema_version: z.string().nullable(),
    podman_target: z.string(),
    parent_version: z.int().nullable(),
    origin: z.string(),
    changes_summary: z.string().nullable(),
    created_by: z.string(),
    author: z.string().nullable().openapi({ description: "The login of who made it; null for a machine." }),
    created_at: z.string(),
    purged_at: z.string().nullable(),
    render: z.object({
      state: z.enum(["queued", "rendering", "rendered", "failed", "deleted"]),
      manifest_sha256: z.string().nullable(),
      file_count: z.int().nullable(),
      total_size_bytes: z.int().nullable(),
      engine_version: z.string().nullable(),
      rendered_at: z.string().nullable(),
    }),
  })
  .openapi("Version");

const HistoryVersion = Version.extend({
  devices: z
    .array(z.object({ device_id: z.string(), hostname: z.string(), status: z.string() }))
    .openapi({ description: "Devices that say they are on this version." }),
}).openapi("HistoryVersion");

export const Saved = z
  .object({
    version: Version,
    unchanged: z.boolean(),
    pruned: z
      .array(z.string())
      .openapi({ description: "Decisions that do not apply and were left out, by JSON Pointer." }),
    warnings: z.array(Finding),
    watch: z.string().openapi({ example: "/renders/3" }),
  })
  .openapi("Saved");

export const unauthorised = ["insufficient_permissions", "request_invalid"] as const;
export const saves = [
  "config_invalid",
  "schema_version_unknown",
  "podman_target_out_of_range",
  "idempotency_key_reused",
  "body_not_json",
  "body_too_large",
  "body_too_complex",
  "number_not_exact",
  "media_type_unsupported",
] as const;
const tags = ["configurations"];

export const listConfigurationsRoute = createRoute({
  operationId: "listConfigurations",
  ...needs("config:read"),
  summary: "List configurations",
  tags,
  method: "get",
  path: "/configurations",
  request: {
    query: CursorQuery.extend({
      deleted: z
        .enum(["true", "false"])
        .default("false")
        .openapi({ description: "true: the deleted ones instead, newest deletion first." }),
    }),
  },
  responses: {
    200: answers(
      z.object({ configurations: z.array(Configuration), next_cursor: z.string().nullable() }),
      "A page, by namespace and name",
    ),
    ...refuses(...unauthorised),
  },
});

export const createConfigurationRoute = createRoute({
  operationId: "createConfiguration",
  ...needs("config:write"),
  summary: "Create a configuration and render its first version",
  tags,
  method: "post",
  path: "/configurations",
  request: { headers: CreateHeaders, query: NamespaceQuery, body: takes(CreateConfiguration, "The decisions") },
  responses: {
    202: answers(Saved, "Saved; the render is queued"),
    ...refuses(...unauthorised, ...saves, "deployment_name_taken"),
  },
});

export const readConfigurationRoute = createRoute({
  operationId: "readConfiguration",
  ...needs("config:read"),
  summary: "Read a configuration",
  tags,
  method: "get",
  path: "/configurations/{name}",
  request: { params: NameParams, query: NamespaceQuery },
  responses: {
    200: answers(
      Configuration.extend({
        warnings: z.array(Finding).openapi({ description: "Decisions that are deprecated and set all the same." }),
      }),
      "The configuration; its ETag goes into If-Match",
    ),
    ...refuses(...unauthorised, "configuration_not_found"),
  },
});

export const saveConfigurationRoute = createRoute({
  operationId: "saveConfiguration",
  ...needs("config:write"),
  summary: "Save a new version",
  tags,
  method: "put",
  path: "/configurations/{name}",
  request: {
    headers: SaveHeaders,
    params: NameParams,
    query: NamespaceQuery,
    body: takes(SaveConfiguration, "All decisions, not a patch"),
  },
  responses: {
    200: answers(Saved, "Equal to the newest version: nothing was saved"),
    202: answers(Saved, "Saved; the render is queued"),
    ...refuses(
      ...unauthorised,
      ...saves,
      "configuration_not_found",
      "precondition_required",
      "precondition_malformed",
      "version_conflict",
      "decision_immutable",
      "configuration_uploaded",
      "write_contended",
    ),
  },
});

export const deleteConfigurationRoute = createRoute({
  operationId: "deleteConfiguration",
  ...needs("config:write"),
  summary: "Delete a configuration; its devices get a deletion marker",
  tags,
  method: "delete",
  path: "/configurations/{name}",
  request: { headers: SaveHeaders.pick({ "if-match": true }), params: NameParams, query: NamespaceQuery },
  responses: {
    200: answers(Version, "The version that is the deletion"),
    ...refuses(
      ...unauthorised,
      "configuration_not_found",
      "precondition_required",
      "precondition_malformed",
      "version_conflict",
      "write_contended",
    ),
  },
});

export const listVersionsRoute = createRoute({
  operationId: "listVersions",
  ...needs("config:read"),
  summary: "List a configuration's versions, newest first",
  tags,
  method: "get",
  path: "/configurations/{name}/versions",
  request: { params: NameParams, query: NamespaceQuery.extend(CursorQuery.shape) },
  responses: {
    200: answers(z.object({ versions: z.array(HistoryVersion), next_cursor: z.string().nullable() }), "A page"),
    ...refuses(...unauthorised, "configuration_not_found"),
  },
});

export const readVersionRoute = createRoute({
  operationId: "readVersion",
  ...needs("config:read"),
  summary: "Read one version",
  tags,
  method: "get",
  path: "/configurations/{name}/versions/{version}",
  request: { params: NameParams.extend({ version: VersionParam }), query: NamespaceQuery },
  responses: { 200: answers(Version, "The version"), ...refuses(...unauthorised, "version_not_found") },
});

export const ProvenanceLine = z
  .object({
    file: z.string(),
    line: z.int(),
    places: z.array(z.object({ template: z.string(), line: z.int(), column: z.int() })),
    values: z.array(z.string()).openapi({ description: "Decisions whose value stands in the line, by JSON Pointer." }),
    conditions: z.array(z.string()).openapi({ description: "Decisions that decide whether the line is there." }),
  })
  .openapi("ProvenanceLine");

export const readProvenanceRoute = createRoute({
  operationId: "readProvenance",
  ...needs("config:read"),
  summary: "Where lines come from: of a file, one line of it, or all that a decision reached",
  tags,
  method: "get",
  path: "/configurations/{name}/versions/{version}/provenance",
  request: {
    params: NameParams.extend({ version: VersionParam }),
    query: NamespaceQuery.extend({
      file: z.string().max(128).optional(),
      line: VersionParam.optional(),
      decision: z
        .string()
        .max(500)
        .regex(/^(?:\/.*)?$/, "A JSON Pointer like /networking/base_domain.")
        .optional(),
    }),
  },
  responses: {
    200: answers(z.object({ lines: z.array(ProvenanceLine) }), "Lines with template places and decisions"),
    ...refuses(...unauthorised, "version_not_found", "render_not_ready", "file_not_found"),
  },
});
