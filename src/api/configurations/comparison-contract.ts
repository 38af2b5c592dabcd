import { createRoute, z } from "@hono/zod-openapi";
import {
  ProvenanceLine,
  SaveConfiguration,
  Saved,
  Version,
  saves,
  unauthorised,
} from "#api/configurations/contract.ts";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { NameParams, NamespaceQuery, SaveHeaders, VersionParam } from "#api/parameters.ts";
import { Finding } from "#core/finding.ts";
import { Json, JsonObject } from "#core/json.ts";
import { FILE_TYPES } from "#core/manifest.ts";
import { PackSlug, VersionNumber } from "#core/names.ts";
import { isRange } from "#core/schema-choice.ts";
import { DataRisk, Plan } from "#quadlet/plan/plan.ts";

const DecisionChange = z
  .object({
    decision: z.string().openapi({ description: "JSON Pointer.", example: "/ai_stack/vector_database" }),
    title: z.string(),
    kind: z.enum(["set", "changed", "removed"]),
    before: Json.optional(),
    after: Json.optional(),
    masked: z.boolean().openapi({ description: "true: a secret or sensitive value, which is never shown." }),
  })
  .openapi("DecisionChange");

const FileDiff = z
  .object({
    filename: z.string(),
    change: z.enum(["added", "removed", "changed"]),
    unified: z.string().openapi({ description: "A unified diff of the masked texts." }),
    is_minimal: z.boolean(),
    origins: z
      .array(ProvenanceLine.omit({ file: true }).extend({ side: z.enum(["old", "new"]) }))
      .openapi({ description: "Where the changed lines come from." }),
    origins_complete: z.boolean(),
  })
  .openapi("FileDiff");

const PreviewedFile = z
  .object({
    filename: z.string(),
    type: z.enum(FILE_TYPES),
    size: z.int(),
    sha256: z.string().openapi({ description: "Of the bytes that a save would ship." }),
    text: z.string().openapi({ description: "That text; sensitive values as [masked:fingerprint]." }),
    is_masked: z.boolean(),
  })
  .openapi("PreviewedFile");

export const Preview = z
  .object({
    against: z.int().nullable().openapi({ description: "The version that devices run, with which all is compared." }),
    unchanged: z.boolean().openapi({ description: "true: saving this would make no version." }),
    origin: z.string(),
    changes_summary: z.string(),
    pack: z.string().nullable(),
    schema_version: z.string().nullable(),
    podman_target: z.string(),
    pruned: z.array(z.string()),
    warnings: z.array(Finding),
    effective: JsonObject.openapi({ description: "The decisions with defaults, as templates read them." }),
    changes: z.array(DecisionChange),
    render: z.object({ state: z.enum(["rendered", "failed"]), findings: z.array(Finding) }),
    files: z.array(PreviewedFile).nullable(),
    secrets: z
      .array(z.object({ name: z.string(), is_stored: z.boolean() }))
      .openapi({ description: "Secrets that the units name, and whether they are stored now." }),
    diff: z.array(FileDiff).nullable(),
    plan: Plan.nullable(),
  })
  .openapi("Preview");

const PreviewConfiguration = SaveConfiguration.extend({
  pack: PackSlug.optional().openapi({ description: "For a name that does not exist yet; default: leger." }),
  schema_range: z.string().min(1).max(100).refine(isRange, "A semver range like ^1.2.0.").optional(),
}).openapi("PreviewConfiguration");

const PreviewRollbackTo = z
  .strictObject({
    to: VersionNumber.openapi({ type: "integer" }),
    keep: z.enum(["schema", "decisions"]).optional().openapi({
      description:
        "What stays, while the decisions are migrated. schema: the schema version, and that version's decisions come to it. decisions: the decisions, and they go to that version's schema version. Absent: all of it is as it was then.",
    }),
    inputs: JsonObject.optional().openapi({ description: "With keep: values by path, for what nobody can derive." }),
  })
  .openapi("PreviewRollbackTo");

const RollbackTo = PreviewRollbackTo.extend({
  accept_losses: z
    .boolean()
    .default(false)
    .openapi({ description: "With keep: must be true where decisions are lost or data is at risk." }),
}).openapi("RollbackTo");

const LostDecision = z
  .object({
    decision: z.string().openapi({ description: "JSON Pointer." }),
    title: z.string(),
    reason: z.string(),
    value: Json.optional(),
    masked: z.boolean().openapi({ description: "true: a value that is not shown." }),
  })
  .openapi("LostDecision");

const tags = ["configurations"];
const goesBack = [
  "configuration_not_found",
  "version_not_found",
  "version_is_deletion",
  "version_purged",
  "decision_immutable",
  "rollback_not_possible",
] as const;

export const previewConfigurationRoute = createRoute({
  operationId: "previewConfiguration",
  ...needs("config:write"),
  summary: "See what a save would do, also for a name that does not exist yet; nothing is stored",
  tags,
  method: "post",
  path: "/configurations/{name}/preview",
  request: {
    params: NameParams,
    query: NamespaceQuery,
    body: takes(PreviewConfiguration, "All decisions, as for a save"),
  },
  responses: {
    200: answers(Preview, "What would be saved, rendered and done on devices"),
    ...refuses(
      ...unauthorised,
      ...saves.filter((code) => code !== "idempotency_key_reused"),
      "decision_immutable",
      "configuration_uploaded",
      "pack_fixed",
    ),
  },
});

export const diffVersionRoute = createRoute({
  operationId: "diffVersion",
  ...needs("config:read"),
  summary: "What differs between two versions: decisions, files, and what a device does",
  tags,
  method: "get",
  path: "/configurations/{name}/versions/{version}/diff",
  request: {
    params: NameParams.extend({ version: VersionParam }),
    query: NamespaceQuery.extend({
      against: VersionParam.optional().openapi({ description: "Default: the version that it was made from." }),
    }),
  },
  responses: {
    200: answers(
      z.object({
        from: Version.nullable(),
        to: Version,
        changes: z.array(DecisionChange),
        diff: z.array(FileDiff).nullable().openapi({ description: "null while one of the two is not rendered." }),
        plan: Plan.nullable(),
      }),
      "From the older to the newer",
    ),
    ...refuses(...unauthorised, "version_not_found", "version_purged", "file_corrupt"),
  },
});

export const rollbackConfigurationRoute = createRoute({
  operationId: "rollbackConfiguration",
  ...needs("config:write"),
  summary: "Go back: a new version with the content of an older one",
  tags,
  method: "post",
  path: "/configurations/{name}/rollback",
  request: {
    headers: SaveHeaders,
    params: NameParams,
    query: NamespaceQuery,
    body: takes(RollbackTo, "The version to go back to"),
  },
  responses: {
    200: answers(Saved, "Equal to the newest version: nothing was saved"),
    202: answers(Saved, "Saved; the render is queued"),
    ...refuses(
      ...unauthorised,
      ...saves,
      ...goesBack,
      "losses_not_accepted",
      "precondition_required",
      "precondition_malformed",
      "version_conflict",
      "write_contended",
    ),
  },
});

export const previewRollbackRoute = createRoute({
  operationId: "previewRollback",
  ...needs("config:write"),
  summary: "See what going back would do, and what it would lose; nothing is stored",
  tags,
  method: "post",
  path: "/configurations/{name}/rollback/preview",
  request: { params: NameParams, query: NamespaceQuery, body: takes(PreviewRollbackTo, "The version to go back to") },
  responses: {
    200: answers(
      Preview.extend({
        losses: z.object({
          decisions: z.array(LostDecision).openapi({ description: "With keep: what the migration does not keep." }),
          data_risks: z.array(DataRisk),
          secrets_missing: z
            .array(z.string())
            .openapi({ description: "Secrets that it needs and that are not stored." }),
          versions_undone: z.array(
            z.object({ version: z.int(), created_at: z.string(), changes_summary: z.string().nullable() }),
          ),
        }),
      }).openapi("RollbackPreview"),
      "What would be lost, saved, rendered and done on devices",
    ),
    ...refuses(...unauthorised, ...saves.filter((code) => code !== "idempotency_key_reused"), ...goesBack),
  },
});
