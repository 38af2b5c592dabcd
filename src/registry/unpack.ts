import { Gunzip } from "fflate";
import { unpackTar } from "modern-tar";
import type { Finding } from "#core/finding.ts";
import { LIMITS } from "#core/limits.ts";
import { causeText } from "#core/log.ts";
import { type Result, err, ok } from "#core/result.ts";

/** Room for tar's headers and padding beside the files themselves. */
const TAR_BYTES_MAX = LIMITS.pack_bytes_max.value + 1024 * (LIMITS.pack_files_max.value + 2) * 2;
const CHUNK_BYTES = 16_384;

/**
 * Unpacks `leger-pack.tar.gz` (bytes as downloaded) to path -> bytes. Regular files and folders only; a gzip bomb stops
 * growing at the cap, because fflate is fed in small pieces and stopped at the first piece that goes beyond.
 */
export async function unpackArchive(archive: Uint8Array): Promise<Result<Map<string, Uint8Array>, Finding[]>> {
  const tar = gunzipBounded(archive);
  if (!tar.ok) return tar;
  const files = new Map<string, Uint8Array>();
  const problems: Finding[] = [];
  try {
    for (const entry of await unpackTar(tar.value)) {
      const path = entry.header.name.replace(/^\.\//, "");
      if (entry.header.type === "directory") continue;
      if (entry.header.type !== "file")
        problems.push(problem("pack_entry_not_a_file", `${path} is a ${entry.header.type}`));
      else if (files.has(path)) problems.push(problem("pack_path_twice", `${path} occurs twice`));
      else files.set(path, entry.data ?? new Uint8Array());
      if (files.size > LIMITS.pack_files_max.value)
        return err([problem("pack_too_many_files", "more files than a pack may have")]);
    }
  } catch (cause) {
    return err([problem("pack_archive_invalid", `the archive is no tar: ${causeText(cause)}`)]);
  }
  return problems.length > 0 ? err(problems) : ok(files);
}

const problem = (code: string, message: string): Finding => ({
  code,
  severity: "error",
  message: `leger-pack.tar.gz: ${message}`,
  action: "Build the asset again with leger-pack build, and release it under a new version.",
  place: { file: "leger-pack.tar.gz", line: 1, column: 1 },
});

function gunzipBounded(archive: Uint8Array): Result<Uint8Array, Finding[]> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  const gunzip = new Gunzip((piece, isLast) => {
    bytes += piece.byteLength;
    if (bytes <= TAR_BYTES_MAX) pieces.push(piece);
    ended = isLast;
  });
  try {
    for (let offset = 0; offset < archive.byteLength; offset += CHUNK_BYTES) {
      gunzip.push(archive.subarray(offset, offset + CHUNK_BYTES), offset + CHUNK_BYTES >= archive.byteLength);
      if (bytes > TAR_BYTES_MAX) return err([problem("pack_too_large", `unpacks to more than ${TAR_BYTES_MAX} bytes`)]);
    }
  } catch (cause) {
    return err([problem("pack_archive_invalid", `the archive is no gzip: ${causeText(cause)}`)]);
  }
  if (!ended) return err([problem("pack_archive_truncated", "the archive is cut off")]);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return ok(whole);
}
