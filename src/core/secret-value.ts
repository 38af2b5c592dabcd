import { fromBase64, toBase64 } from "#core/base64.ts";
import { LIMITS } from "#core/limits.ts";
import { type Result, err, ok } from "#core/result.ts";
import { Secret } from "#core/secret.ts";

/** How a value stands in JSON: as text, or as base64 because JSON strings cannot carry all bytes. */
export type ValueEncoding = "utf8" | "base64";

export type ValueRefusal = { code: "empty" } | { code: "too_large"; bytes: number } | { code: "not_base64" };

/** Document 000's names, case-sensitive. */
export const isSecretName = (name: string) => /^[a-zA-Z0-9_-]{1,64}$/.test(name);

/** The bytes of a value: 1 to 10,240 of them, any, exactly as sent. */
export function parseValue(text: string, encoding: ValueEncoding): Result<Secret, ValueRefusal> {
  const bytes = encoding === "base64" ? fromBase64(text) : ok<Uint8Array>(new TextEncoder().encode(text));
  if (!bytes.ok) return err({ code: "not_base64" });
  const { byteLength } = bytes.value;
  if (byteLength === 0) return err({ code: "empty" });
  if (byteLength > LIMITS.secret_value_bytes_max.value) return err({ code: "too_large", bytes: byteLength });
  return ok(new Secret(bytes.value));
}

/** The value as text of an encoding; null where its bytes are no UTF-8, because a text of other bytes would be another value. */
export function printValue(value: Secret, encoding: ValueEncoding): string | null {
  if (encoding === "base64") return toBase64(value.reveal());
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value.reveal());
  } catch {
    return null;
  }
}
