import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { CursorQuery } from "#api/parameters.ts";
import { SchemaCompatibility, SchemaMatrix } from "#api/schemas/contract.ts";
import { Finding } from "#core/finding.ts";
import { ImpactClass, ImpactDetail } from "#core/impact.ts";
import { PackSlug, SchemaVersion } from "#core/names.ts";

const Candidate = z
  .object({
    digest: z.string(),
    pack: z.string(),
    version: z.string(),
    status: z.enum(["ready", "quarantined"]).openapi({ description: "What a release of these bytes would be." }),
    podman: z.object({ min: z.string(), max: z.string().nullable() }).nullable(),
    report: z.array(Finding),
    matrix: SchemaMatrix.nullable(),
    compatibility: SchemaCompatibility.nullable(),
    expires_at: z.string().nullable().openapi({ description: "When it is removed; null where it was not stored." }),
    read_on: z.string().nullable().openapi({ description: "Where its impact is; null where it was not stored." }),
  })
  .openapi("SchemaCandidate");

const count = z.int().nonnegative().nullable();
const Impact = z
  .object({
    pack: z.string(),
    version: z.string(),
    state: z.enum(["not_started", "running", "done"]),
    progress: z.int().openapi({ description: "Percent; for operators exact, else in tens." }),
    as_of: z.string().nullable(),
    counts: z
      .object({
        identical: count,
        changed: count,
        restarts: count,
        data_risk: count,
        needs_input: count,
        fails: count,
      })
      .nullable()
      .openapi({
        description:
          "Live configurations that could move, by what it would do to them. A count is null where fewer than five other workspaces stand " +
          "behind it, or where it would give such a group away; all of them are before the end. Operators see every count.",
      }),
    totals: z
      .object({ configurations: z.int(), seen: z.int() })
      .nullable()
      .openapi({ description: "Operators only: live configurations of the pack." }),
    configurations: z
      .array(
        z.object({
          config_id: z.string(),
          name: z.string(),
          namespace: z.string(),
          class: ImpactClass,
          text: z.string(),
          detail: ImpactDetail,
        }),
      )
      .openapi({ description: "The caller's own." }),
    next_cursor: z.string().nullable(),
    candidate: Candidate.nullable(),
  })
  .openapi("SchemaImpact");

const tags = ["schemas"];
const params = z.object({ version: SchemaVersion });
const CandidateQuery = z.object({
  pack: PackSlug.default("leger"),
  candidate: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "The digest that POST /schemas/preview answered.")
    .optional()
    .openapi({ description: "Operators only: of a pack that is not released." }),
});

export const readImpactRoute = createRoute({
  operationId: "readImpact",
  ...needs("schemas:read"),
  summary: "What a schema version would do to live configurations: one's own in full, counts of all",
  tags,
  method: "get",
  path: "/schemas/{version}/impact",
  request: { params, query: CursorQuery.extend(CandidateQuery.shape) },
  responses: {
    200: answers(Impact, "As far as it is counted"),
    ...refuses("schema_not_found", "schema_not_ready", "insufficient_permissions", "request_invalid"),
  },
});

export const requestImpactRoute = createRoute({
  operationId: "requestImpact",
  ...needs("operator"),
  summary: "Count a schema version's impact once more (operator)",
  tags,
  method: "post",
  path: "/schemas/{version}/impact",
  request: { params, query: CandidateQuery },
  responses: {
    202: answers(z.object({ read_on: z.string() }), "It is being counted"),
    ...refuses("schema_not_found", "schema_not_ready", "insufficient_permissions", "request_invalid"),
  },
});

export const previewSchemaRoute = createRoute({
  operationId: "previewSchema",
  ...needs("operator"),
  summary: "Examine a pack that is not released, and count what it would do (operator); nothing is admitted",
  tags,
  method: "post",
  path: "/schemas/preview",
  request: {
    query: z.object({
      pack: PackSlug.default("leger"),
      version: SchemaVersion.openapi({ description: "The tag that it would be released under." }),
    }),
    body: {
      required: true,
      content: { "application/gzip": { schema: { type: "string" as const, format: "binary" } } },
    },
  },
  responses: {
    200: answers(Candidate, "It would be quarantined: nothing was stored"),
    202: answers(Candidate, "Its impact is being counted; the same bytes again answer the same"),
    ...refuses(
      "schema_version_taken",
      "candidate_unreadable",
      "candidate_too_large",
      "candidate_media_type",
      "candidate_expiring",
      "insufficient_permissions",
      "request_invalid",
    ),
  },
});
