import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { CursorQuery } from "#api/parameters.ts";
import { JsonObject } from "#core/json.ts";

const Entry = z
  .object({
    id: z.uuid(),
    seq: z.int(),
    at: z.string(),
    actor: z.string(),
    action: z.string(),
    target: z.string(),
    payload: JsonObject,
    entry_digest: z.string(),
  })
  .openapi("AuditEntry");

const Problem = z
  .object({
    code: z.enum([
      "entry_missing",
      "entry_changed",
      "entries_differ_from_seal",
      "seal_missing",
      "seal_forged",
      "seal_chain_broken",
      "seal_copy_missing",
      "seal_copy_differs",
      "tail_dropped",
    ]),
    seq: z.int(),
    message: z.string(),
  })
  .openapi("AuditProblem");

const text = z.string().min(1).max(200).optional();
const instant = z.iso.datetime({ offset: true }).optional();

export const listAuditRoute = createRoute({
  operationId: "listAudit",
  ...needs("audit:read"),
  summary: "Who changed what, and when, newest first",
  tags: ["audit"],
  method: "get",
  path: "/audit",
  request: {
    query: CursorQuery.extend({
      actor: text.openapi({ example: "user:3f1c…" }),
      action: text.openapi({ description: "One action, or a family: `render` finds `render.retried`." }),
      target: text.openapi({ example: "configuration:7b0e…" }),
      since: instant,
      until: instant,
    }),
  },
  responses: {
    200: answers(z.object({ entries: z.array(Entry), next_cursor: z.string().nullable() }), "A page of the log"),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

export const verifyAuditRoute = createRoute({
  operationId: "verifyAudit",
  ...needs("audit:read"),
  summary: "Hold the log against its signed seals and their copies",
  tags: ["audit"],
  method: "get",
  path: "/audit/verify",
  request: { query: CursorQuery.pick({ cursor: true }) },
  responses: {
    200: answers(
      z.object({
        is_intact: z.boolean(),
        problems: z.array(Problem),
        checked: z.int(),
        verified_to: z.int().openapi({ description: "The number of the last row that this answer judged." }),
        unsealed: z.int().openapi({ description: "Rows that are too new to be sealed." }),
        next_cursor: z.string().nullable().openapi({ description: "The log goes on: ask again from here." }),
      }),
      "The verdict",
    ),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

export const exportAuditRoute = createRoute({
  operationId: "exportAudit",
  ...needs("audit:read"),
  summary: "The whole log with its seals, one JSON object per line",
  tags: ["audit"],
  method: "get",
  path: "/audit/export",
  responses: {
    200: {
      description: "JSON lines, oldest first",
      content: { "application/x-ndjson": { schema: z.string().openapi({ format: "binary" }) } },
    },
    ...refuses("insufficient_permissions"),
  },
});
