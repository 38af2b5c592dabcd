import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import type { PackFiles } from "./git-objects.ts";

export const PACK_ASSET_NAME = "leger-pack.tar.gz";

/**
 * The release asset of a pack. The same files give the same bytes on every machine and in every year: sorted paths,
 * time zero, owner zero, one mode, and a compressor in JavaScript (zlib's output differs between builds and processors).
 * Links of the git tree become links of the archive, so that a client's refusal of them can be tested on both ways.
 */
export async function packArchive(files: PackFiles): Promise<Uint8Array> {
  const entries = [...files]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { bytes, mode }]) => {
      const common = { name, mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" };
      return mode === "120000"
        ? {
            header: {
              ...common,
              size: 0,
              mode: 0o777,
              type: "symlink" as const,
              linkname: new TextDecoder().decode(bytes),
            },
          }
        : {
            header: { ...common, size: bytes.length, mode: mode === "100755" ? 0o755 : 0o644, type: "file" as const },
            body: bytes,
          };
    });
  return gzipSync(await packTar(entries), { level: 9, mtime: 0 });
}
