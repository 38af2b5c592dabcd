import { readRender } from "#actions/read-render.ts";
import { LINK_SECONDS, signLink } from "#core/link.ts";
import type { Caller } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { MANIFEST_FILE } from "#store/render-files.ts";

export type Links = { expires_at: string; files: { filename: string; sha256: string; url: string }[] };

/**
 * Signed addresses of a render's files, for whoever downloads without the token. They are asked for apart from the
 * manifest, so that a 304 never strands a client with dead links.
 */
export async function makeLinks(deps: Deps, caller: Caller, version: number): Promise<Links> {
  const { settings, clock } = deps;
  const render = await readRender(deps, caller, version);
  const end = secondsAfter(clock.now(), LINK_SECONDS);
  const expires = Math.floor(end.getTime() / 1000);
  const files = [...render.manifest.files, { filename: MANIFEST_FILE, sha256: render.digest }];
  const links = files.map(async ({ filename, sha256 }) => {
    const target = { workspaceId: caller.workspaceId, version, file: filename };
    const signature = await signLink(settings.LINK_SIGNING_KEY, target, expires);
    const path = `/links/${caller.workspaceId}/${version}/${encodeURIComponent(filename)}`;
    return { filename, sha256, url: `${settings.PUBLIC_URL}${path}?expires=${expires}&signature=${signature}` };
  });
  return { expires_at: toInstant(new Date(expires * 1000)), files: await Promise.all(links) };
}
