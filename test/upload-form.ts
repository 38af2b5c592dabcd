import { env } from "cloudflare:workers";
import type { Answer, world } from "./world.ts";

export type Part = { name: string; content: string | Uint8Array; headers?: string[] };

const BOUNDARY = "leger-test-boundary";
const encode = (text: string) => new TextEncoder().encode(text);

/** A multipart body as bytes: hand-made, so that names and headers can be anything. */
export function formBytes(parts: readonly Part[], sums?: string): Uint8Array {
  const pieces = parts.flatMap(({ name, content, headers = [] }) => [
    encode(
      `${[`--${BOUNDARY}`, `Content-Disposition: form-data; name="files"; filename="${name}"`, ...headers].join("\r\n")}\r\n\r\n`,
    ),
    typeof content === "string" ? encode(content) : content,
    encode("\r\n"),
  ]);
  if (sums !== undefined)
    pieces.push(encode(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="sha256sums"\r\n\r\n${sums}\r\n`));
  pieces.push(encode(`--${BOUNDARY}--\r\n`));
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return bytes;
}

/** Sends a body in small pieces; `failAfter`: the connection breaks after so many bytes. */
export async function upload<T = Record<string, unknown>>(
  w: Pick<ReturnType<typeof world>, "api">,
  bytes: Uint8Array,
  options: { token: string; query?: string; headers?: Record<string, string>; failAfter?: number; path?: string },
): Promise<Answer<T>> {
  const size = 60_000;
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (options.failAfter !== undefined && at >= options.failAfter) controller.error(new Error("connection reset"));
      else if (at >= bytes.byteLength) controller.close();
      else controller.enqueue(bytes.slice(at, Math.min(at + size, options.failAfter ?? bytes.byteLength)));
      at += size;
    },
  });
  const request = new Request(`http://leger${options.path ?? "/config/upload"}?deployment=site${options.query ?? ""}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${options.token}`,
      "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
      ...options.headers,
    },
    body,
  });
  const response = await w.api.fetch(request, env);
  return { status: response.status, body: await response.json(), headers: response.headers };
}
