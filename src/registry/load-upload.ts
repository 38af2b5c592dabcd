import { sha256Hex } from "#core/digest.ts";
import type { Finding } from "#core/finding.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { UploadContent, UploadedFile } from "#core/upload.ts";
import type { Deps } from "#deps.ts";
import { uploadBlobs } from "#store/upload-blobs.ts";

/** Workers open six connections at once; more would only wait. */
const READS_AT_ONCE = 6;

/**
 * The files of an upload from R2 by their digests; where one is missing or damaged there, from the backup bucket, and put back.
 * Throws for transport failures (they come back); answers findings where no storage has the bytes any more.
 */
export async function loadUpload(
  deps: Deps,
  { workspaceId, content }: { workspaceId: string; content: UploadContent },
): Promise<Result<UploadedFile[], Finding[]>> {
  const names = Object.entries(content.files).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const files: UploadedFile[] = [];
  const lost: Finding[] = [];
  for (let at = 0; at < names.length; at += READS_AT_ONCE) {
    const some = names.slice(at, at + READS_AT_ONCE);
    const read = await Promise.all(some.map(([, sha256]) => readIntact(deps, { workspaceId, sha256 })));
    some.forEach(([filename, sha256], index) => {
      const bytes = read[index];
      if (bytes) files.push({ filename, bytes, sha256 });
      else lost.push(lostFile(filename));
    });
  }
  return lost.length > 0 ? err(lost) : ok(files);
}

async function readIntact(deps: Deps, of: { workspaceId: string; sha256: string }): Promise<Uint8Array | null> {
  const bytes = await uploadBlobs.get(deps.files, of);
  if (bytes && (await sha256Hex(bytes)) === of.sha256) return bytes;
  deps.log("object.corrupt", { workspace_id: of.workspaceId, digest: of.sha256, reason: bytes ? "digest" : "missing" });
  const copy = await uploadBlobs.get(deps.backups, of);
  if (!copy || (await sha256Hex(copy)) !== of.sha256) return null;
  await uploadBlobs.put(deps, of, copy);
  return copy;
}

const lostFile = (file: string): Finding => ({
  code: "upload_lost",
  severity: "error",
  message: `The bytes of ${file} are in no storage any more.`,
  action: "Upload it again.",
  place: { file, line: 1, column: 1 },
});
