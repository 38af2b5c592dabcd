import { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import { pointerToken } from "#core/json.ts";

/** A set of routes whose requests are judged by their contract; every problem at once, each with its JSON Pointer. */
export const createRoutes = () =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const details = result.error.issues.map((issue): Finding => ({
        code: "parameter_invalid",
        severity: "error",
        message: `${issue.path.join(".") || "body"}: ${issue.message}`,
        action: "Correct it; the shape is in /docs.",
        decision: issue.path.map((part) => `/${pointerToken(String(part))}`).join(""),
      }));
      throw AppError.of("request_invalid", { count: details.length }, { details });
    },
  });
