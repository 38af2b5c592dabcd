import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses } from "#api/envelope.ts";
import { VersionParams } from "#api/parameters.ts";
import { Finding } from "#core/finding.ts";

const Render = z
  .object({
    version: z.int(),
    name: z.string(),
    namespace: z.string(),
    state: z.enum(["queued", "rendering", "rendered", "failed", "deleted"]),
    attempts: z.int(),
    updated_at: z.string().nullable(),
    failure: z.object({ code: z.string(), message: z.string(), findings: z.array(Finding) }).nullable(),
    warnings: z.array(Finding).openapi({ description: "What to know about a render that passed its checks." }),
  })
  .openapi("Render");

export const readRenderRoute = createRoute({
  operationId: "readRender",
  ...needs("config:read"),
  summary: "Watch a render: its state, what is wrong with one that failed, what to know about one that did not",
  tags: ["renders"],
  method: "get",
  path: "/renders/{version}",
  request: { params: VersionParams },
  responses: {
    200: answers(Render, "The job"),
    ...refuses("version_not_found", "insufficient_permissions", "request_invalid"),
  },
});

export const retryRenderRoute = createRoute({
  operationId: "retryRender",
  ...needs("config:write"),
  summary: "Try a failed render again",
  tags: ["renders"],
  method: "post",
  path: "/renders/{version}/retry",
  request: { params: VersionParams },
  responses: {
    202: answers(Render, "Queued again"),
    ...refuses("version_not_found", "render_not_failed", "insufficient_permissions", "request_invalid"),
  },
});
