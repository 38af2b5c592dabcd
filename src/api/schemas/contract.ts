import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { Finding } from "#core/finding.ts";
import { JsonObject } from "#core/json.ts";
import { PackSlug, SchemaVersion } from "#core/names.ts";

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
  })
  .openapi("SchemaSummary");

const SchemaDetail = SchemaSummary.extend({
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
