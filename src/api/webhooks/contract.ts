import { createRoute, z } from "@hono/zod-openapi";
import { WEBHOOK_PATH } from "#api/bounded-body.ts";
import { answers, refuses } from "#api/envelope.ts";
import { JsonObject } from "#core/json.ts";

export const githubWebhookRoute = createRoute({
  operationId: "githubWebhook",
  summary: "Take GitHub's hint that a release changed (signed)",
  tags: ["machine"],
  method: "post",
  path: WEBHOOK_PATH,
  security: [],
  request: {
    headers: z.object({
      "x-github-event": z.string().min(1).max(100),
      "x-github-delivery": z.string().min(1).max(100),
      "x-hub-signature-256": z.string().max(200).default(""),
    }),
    body: {
      description: "GitHub's payload, as it was signed",
      content: { "application/json": { schema: JsonObject } },
    },
  },
  responses: {
    202: answers(
      z.object({ outcome: z.enum(["nudged", "repeated", "ignored"]) }),
      "Believed as a hint: a sync asks GitHub itself",
    ),
    ...refuses("webhook_unsigned", "webhook_not_configured", "body_not_json", "body_too_large", "request_invalid"),
  },
});
