import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { Compatibility, Verdict } from "#core/compatibility/compatibility.ts";
import { Finding } from "#core/finding.ts";
import { JsonObject } from "#core/json.ts";
import { PackSlug, SchemaVersion } from "#core/names.ts";

/** How a version follows the one before it, computed at admission. */
export const SchemaCompatibility = Compatibility.omit({ format: true })
  .extend({ reasons: z.array(z.string()).openapi({ description: "Why `deserved` is what it is, in words." }) })
  .openapi("SchemaCompatibility");

/** What admission tried: configurations rendered, and the pairs of decisions that they cover. */
export const SchemaMatrix = z.object({
  rows: z.int(),
  pairs: z.int(),
  covered: z.int(),
  excluded: z.int(),
});

const Alarm = z.object({ code: z.string(), reason: z.string() });

const SchemaSummary = z
  .object({
    pack: z.string(),
    version: z.string(),
    status: z.enum(["ready", "quarantined", "yanked"]),
    github_release_url: z.string(),
    commit_sha: z.string(),
    asset_digest: z.string().nullable(),
    pack_digest: z.string(),
    podman: z.object({ min: z.string(), max: z.string().nullable() }),
    released_at: z.string(),
    fetched_at: z.string(),
    compatibility: Verdict.nullable().openapi({ description: "With the ready version before it; null for the first." }),
    matrix_rows: z.int().nullable(),
    alarm: Alarm.nullable().openapi({ description: "Its release no longer says what was admitted, which stays." }),
    yanked_reason: z.string().nullable(),
  })
  .openapi("SchemaSummary");

const SchemaDetail = SchemaSummary.extend({
  compatibility: SchemaCompatibility.nullable(),
  matrix: SchemaMatrix.nullable(),
  migration_required: z.boolean(),
  config_schema: JsonObject,
  template_manifest: JsonObject,
  report: z.array(Finding),
}).openapi("SchemaDetail");

const SyncOutcome = z
  .object({
    repository: z.string(),
    pack: z.string(),
    result: z.enum(["synced", "unchanged", "running", "rate_limited", "gone", "failed"]),
    admitted: z.array(z.string()),
    quarantined: z.array(z.string()),
    skipped: z.array(z.object({ tag: z.string(), reason: z.string() })),
    failures: z.int(),
    retry_at: z.string().nullable(),
  })
  .openapi("SyncOutcome");

const tags = ["schemas"];

export const listSchemasRoute = createRoute({
  operationId: "listSchemas",
  ...needs("schemas:read"),
  summary: "List schema versions",
  tags,
  method: "get",
  path: "/schemas",
  responses: {
    200: answers(z.object({ schemas: z.array(SchemaSummary) }), "By pack, newest first"),
    ...refuses("insufficient_permissions"),
  },
});

export const readSchemaRoute = createRoute({
  operationId: "readSchema",
  ...needs("schemas:read"),
  summary: "Read a schema version: JSON Schema, templates, report",
  tags,
  method: "get",
  path: "/schemas/{version}",
  request: { params: z.object({ version: SchemaVersion }), query: z.object({ pack: PackSlug.default("leger") }) },
  responses: {
    200: answers(SchemaDetail, "The schema version"),
    ...refuses("schema_not_found", "insufficient_permissions", "request_invalid"),
  },
});

export const syncSchemasRoute = createRoute({
  operationId: "syncSchemas",
  ...needs("operator"),
  summary: "Reconcile the registry with GitHub now (operator)",
  tags,
  method: "post",
  path: "/schemas/sync",
  responses: {
    200: answers(z.object({ repositories: z.array(SyncOutcome) }), "What came of it"),
    ...refuses("sync_running", "insufficient_permissions"),
  },
});
