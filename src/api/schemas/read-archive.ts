import { joined } from "#api/bounded-body.ts";
import { AppError } from "#core/errors.ts";
import { LIMITS } from "#core/limits.ts";
import { causeText } from "#core/log.ts";

const GZIP_TYPE = /^application\/(?:gzip|x-gzip|octet-stream)$/i;

/**
 * The bytes of a gzip archive, held to the bound of a release's asset while they arrive: the first piece beyond it ends the reading. The
 * body is always read to its end or cancelled, or the connection would be reset.
 */
export async function readArchive(request: Request): Promise<Uint8Array> {
  const type = (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
  if (!GZIP_TYPE.test(type)) throw AppError.of("candidate_media_type", {});
  const limit = LIMITS.pack_bytes_max.value;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read();
      if (!piece || piece.done) break;
      bytes += piece.value.byteLength;
      if (bytes > limit) throw AppError.of("candidate_too_large", { limit });
      pieces.push(piece.value);
    }
  } catch (cause) {
    await reader?.cancel().catch(() => undefined); // it may have ended by itself
    throw cause instanceof AppError ? cause : broken(`it ends in the middle (${causeText(cause)})`, cause);
  }
  if (bytes === 0) throw broken("it is empty");
  return joined(pieces, bytes);
}

function broken(what: string, cause?: unknown): AppError {
  const finding = {
    code: "pack_archive_truncated",
    severity: "error" as const,
    message: `leger-pack.tar.gz: ${what}`,
    action: "Send the whole file.",
  };
  return AppError.of("candidate_unreadable", { count: 1 }, { details: [finding], cause });
}
