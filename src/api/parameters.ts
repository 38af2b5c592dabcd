import { z } from "@hono/zod-openapi";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import { DeploymentName, Namespace } from "#core/names.ts";
import { type IfMatch, parseIfMatch } from "#core/save-decision.ts";

/** Query and path parameters arrive as text; numbers are coerced here and nowhere else. */
const numberParam = (max: number) =>
  z
    .string()
    .regex(/^[1-9]\d{0,15}$/, "A positive whole number in decimal digits.")
    .transform(Number)
    .pipe(z.number().int().positive().max(max));

export const VersionParam = numberParam(Number.MAX_SAFE_INTEGER).openapi({ type: "integer", example: 3 });
export const LimitParam = numberParam(LIMITS.page_items_max.value)
  .default(20)
  .openapi({ type: "integer", example: 20 });

export const NamespaceQuery = z.object({ namespace: Namespace.default("/") });
export const NameParams = z.object({ name: DeploymentName });
export const VersionParams = z.object({ version: VersionParam });

const IdempotencyKey = z
  .string()
  .min(1)
  .max(LIMITS.idempotency_key_chars_max.value)
  .regex(/^[\x21-\x7e]+$/, "Visible ASCII characters only.");

export const SaveHeaders = z.object({
  "idempotency-key": IdempotencyKey.optional(),
  "if-match": z.string().max(200).optional(),
  "x-leger-cli-version": z.string().max(40).optional(),
});
export const CreateHeaders = SaveHeaders.omit({ "if-match": true });

/** The If-Match of an edit; absent is 428, because an edit without it would silently undo somebody's work. */
export function requireIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) throw AppError.of("precondition_required", {});
  const parsed = parseIfMatch(header);
  if (!parsed) throw AppError.of("precondition_malformed", {});
  return parsed;
}

/** An opaque cursor: base64url of JSON. One that is none starts from the beginning of nothing: refused. */
export const encodeCursor = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

export function decodeCursor<T extends z.ZodType>(cursor: string | undefined, shape: T): z.infer<T> | null {
  if (cursor === undefined) return null;
  try {
    return shape.parse(JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/"))));
  } catch {
    const message = "cursor: is not one that this API gave out.";
    const finding = {
      code: "parameter_invalid",
      severity: "error" as const,
      message,
      action: "Start again without a cursor.",
    };
    throw AppError.of("request_invalid", { count: 1 }, { details: [finding] });
  }
}

export const CursorQuery = z.object({ limit: LimitParam, cursor: z.string().max(500).optional() });
