import { z } from "@hono/zod-openapi";
import { AppError, ERROR_CODES, type ErrorCode, describeError } from "#core/errors.ts";
import { causeText } from "#core/log.ts";
import type { Permission } from "#core/permissions.ts";

export const ErrorEnvelope = z
  .object({
    success: z.literal(false),
    error: z.object({
      code: z.enum(ERROR_CODES),
      message: z.string(),
      action: z.string(),
      docs: z.string(),
      details: z.array(z.record(z.string(), z.unknown())).optional(),
    }),
  })
  .openapi("ErrorEnvelope");
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

/** A successful answer of the contract: `{"success": true, "data": …}`. */
export const answers = <T extends z.ZodType>(data: T, description: string) =>
  json(z.object({ success: z.literal(true), data }), description);

/** A JSON body of the contract. */
export const takes = <T extends z.ZodType>(schema: T, description: string) => ({
  required: true,
  ...json(schema, description),
});

/** What a route needs. The token is held against it before the body is read, and the action asks for the same. */
export const needs = (permission: Permission) => ({ "x-permission": permission });

/** The refusals that a route names, grouped by status; every route may also answer 401, 413, 429, 500 and 503. */
export function refuses(...codes: ErrorCode[]): Record<number, ReturnType<typeof json<typeof ErrorEnvelope>>> {
  const all: ErrorCode[] = [...codes, "invalid_token", "rate_limit_exceeded", "storage_unavailable", "internal"];
  const byStatus = Map.groupBy(all, (code) => describeError(code).status);
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [status, json(ErrorEnvelope, [...new Set(names)].join(", "))]),
  );
}

/**
 * Any error as the one that the caller sees. Foreign errors are logged by the edge and never repeated. An action that takes
 * a refusal in its batch (a proof that was used before) for a fault of the storage still answers the refusal.
 */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error.cause instanceof AppError ? error.cause : error;
  const isStorage =
    error instanceof Error && /D1_ERROR|Network connection lost|overloaded|reset because/i.test(causeText(error));
  return isStorage
    ? AppError.of("storage_unavailable", {}, { cause: error })
    : AppError.of("internal", {}, { cause: error });
}

export function toEnvelope(error: AppError, docsUrl: string): ErrorEnvelope {
  return {
    success: false,
    error: {
      code: error.code,
      message: error.message,
      action: error.action,
      docs: `${docsUrl}/errors#${error.code}`,
      ...(error.details.length > 0 && { details: error.details as Record<string, unknown>[] }),
    },
  };
}
