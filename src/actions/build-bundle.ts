import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import { readAllFiles, readRender } from "#actions/read-render.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";

export type Bundle = { bytes: Uint8Array; filename: string; digest: string };

/**
 * A render as one tar.gz: a folder named after the deployment with every file and the manifest, usable without Leger. The
 * same version gives the same bytes: times are the version's, owners are nobody, gzip's own clock is zero.
 */
export async function buildBundle(deps: Deps, caller: Caller, version: number): Promise<Bundle> {
  const render = await readRender(deps, caller, version);
  const { name } = render.manifest;
  const mtime = new Date(render.manifest.created_at);
  const entries = (await readAllFiles(deps, render)).map(({ filename, bytes }) => ({
    header: {
      name: `${name}/${filename}`,
      size: bytes.byteLength,
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime,
      type: "file" as const,
    },
    body: bytes,
  }));
  const tar = await packTar(entries);
  return { bytes: gzipSync(tar, { mtime: 0 }), filename: `${name}-v${version}.tar.gz`, digest: render.digest };
}
