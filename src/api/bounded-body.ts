import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import { parseBody } from "#core/request-body.ts";

/** Routes that read their body themselves, as a stream, with bounds of their own (read-upload.ts, read-archive.ts). */
const UPLOADS = new Set(["/config/upload", "/config/upload/preview", "/schemas/preview"]);
export const WEBHOOK_PATH = "/webhooks/github";
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i;

/**
 * Reads a JSON body within the limits, before any route sees it, and leaves the text where Hono's own
 * `req.json()` looks. The body is always read to its end or cancelled: a connection whose body nobody reads is reset.
 */
export const boundedBody = createMiddleware<ApiEnv>(async (c, next) => {
  const { method } = c.req;
  if (method === "GET" || method === "HEAD" || method === "OPTIONS") return next();
  if (c.req.path === WEBHOOK_PATH) return next(); // its signature is over the bytes, which it reads itself
  if (UPLOADS.has(c.req.path)) {
    await next();
    // refused before it was read: what nobody reads is cancelled
    if (!c.req.raw.bodyUsed) await c.req.raw.body?.cancel();
    return;
  }
  const text = await readBounded(c.req.raw);
  if (method === "DELETE") return next(); // says nothing by its body, which is read all the same
  const type = c.req.header("content-type");
  if (type === undefined ? text !== "" : !JSON_TYPE.test(type)) throw AppError.of("media_type_unsupported", {});
  if (text === "") {
    // A missing body is told what it lacks, like an empty object; the contract's own reader wants text where a type is given.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(type === undefined ? "" : "{}") });
    return next();
  }
  const parsed = parseBody(text);
  if (!parsed.ok) {
    const { error } = parsed;
    switch (error.code) {
      case "body_not_json":
        throw AppError.of("body_not_json", { detail: error.detail });
      case "body_too_complex":
        throw AppError.of("body_too_complex", { detail: error.detail });
      case "number_not_exact":
        throw AppError.of("number_not_exact", { pointer: error.pointer });
    }
  }
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
  return next();
});

/** The bytes of a body, within the limit. */
export async function readBytes(request: Request): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const limit = LIMITS.body_bytes_max.value;
  const reader = request.body.getReader();
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > limit) {
      await reader.cancel();
      throw AppError.of("body_too_large", { limit });
    }
    pieces.push(value);
  }
  return joined(pieces, bytes);
}

/** The pieces of a stream in one; `bytes` is their sum. */
export function joined(pieces: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}

async function readBounded(request: Request): Promise<string> {
  const whole = await readBytes(request);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(whole);
  } catch {
    throw AppError.of("body_not_json", { detail: "it is no UTF-8 text" });
  }
}
