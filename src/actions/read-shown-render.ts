import { readVerified, renderOf } from "#actions/read-render.ts";
import { type ShownRender, showRender } from "#actions/shown-render.ts";
import type { Mask } from "#core/mask.ts";
import type { Deps } from "#deps.ts";
import { loadPack } from "#registry/load-pack.ts";
import { renderPrefix } from "#store/render-files.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";
import type { Version } from "#store/version-store.ts";

/** Workers open six connections at once; more would only wait. */
const READS_AT_ONCE = 6;

type Stored = {
  version: Version;
  /** The version's schema; undefined for an upload. */
  schema: SchemaSummaryRow | undefined;
  mask: Mask;
  /** Bytes by sha256 that somebody has already: they are not read again. */
  known: ReadonlyMap<string, Uint8Array>;
};

/** A stored render as people may see it: the bytes that were shipped, verified, masked. Throws while it is not rendered. */
export async function readShownRender(deps: Deps, { version, schema, mask, known }: Stored): Promise<ShownRender> {
  const { manifest } = await renderOf(deps, version);
  const bytes = new Map(known);
  const missing = manifest.files.filter(({ sha256 }) => !bytes.has(sha256));
  for (let at = 0; at < missing.length; at += READS_AT_ONCE)
    await Promise.all(
      missing.slice(at, at + READS_AT_ONCE).map(async ({ filename: file, sha256 }) => {
        const key = renderPrefix(version.workspace_id, version.version) + file;
        bytes.set(sha256, await readVerified(deps, { key, file, sha256 }));
      }),
    );
  const files = manifest.files.map(({ filename, sha256 }) => ({
    filename,
    sha256,
    bytes: bytes.get(sha256) ?? new Uint8Array(),
  }));
  // A pack that is lost is no reason to hide a history: without it, files that may hold sensitive values cannot be told
  // from others, so then all are treated as such.
  const pack = schema ? await loadPack(deps, schema) : null;
  const subject = {
    configData: version.config_data,
    deploymentName: version.deployment_name,
    podmanTarget: version.podman_target,
  };
  return showRender(files, {
    madeFrom: pack?.ok === true ? { pack: pack.value, subject } : null,
    isOpaque: pack?.ok === false,
    podmanTarget: version.podman_target,
    mask,
  });
}
