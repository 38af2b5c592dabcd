import { createRoute, z } from "@hono/zod-openapi";
import { answers, refuses } from "#api/envelope.ts";
import { JsonObject } from "#core/json.ts";

const tags = ["machine"];

export const healthRoute = createRoute({
  operationId: "health",
  summary: "The worker answers",
  tags,
  method: "get",
  path: "/health",
  security: [],
  responses: { 200: answers(z.object({ status: z.literal("ok") }), "It does") },
});

export const readyRoute = createRoute({
  operationId: "ready",
  summary: "The database answers, and work flows",
  tags,
  method: "get",
  path: "/ready",
  security: [],
  responses: {
    200: answers(
      z.object({ status: z.literal("ready"), oldest_pending_seconds: z.int().nullable(), schemas_ready: z.int() }),
      "Oldest job that waits, and how many schema versions can be chosen",
    ),
    ...refuses(),
  },
});

export const jwksRoute = createRoute({
  operationId: "jwks",
  summary: "Public keys of this server's tokens",
  tags,
  method: "get",
  path: "/.well-known/jwks.json",
  security: [],
  responses: {
    200: { description: "A JSON Web Key Set (RFC 7517)", content: { "application/json": { schema: JsonObject } } },
  },
});
