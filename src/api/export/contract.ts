import { createRoute, z } from "@hono/zod-openapi";
import { needs, refuses } from "#api/envelope.ts";

export const exportWorkspaceRoute = createRoute({
  operationId: "exportWorkspace",
  ...needs("workspace:export"),
  summary: "Everything that the workspace owns, one JSON object per line; secrets by name",
  tags: ["export"],
  method: "get",
  path: "/export",
  responses: {
    200: {
      description:
        "JSON lines: leger-export, workspace, member, device, configuration, version, render, deployment, secret, generator, file, end",
      content: { "application/x-ndjson": { schema: z.string().openapi({ format: "binary" }) } },
    },
    ...refuses("insufficient_permissions"),
  },
});
