import { readLatest } from "#actions/read-latest.ts";
import { readRender } from "#actions/read-render.ts";
import * as contract from "#api/config/contract.ts";
import { createRoutes } from "#api/create-routes.ts";
import type { Manifest } from "#core/manifest.ts";

/** Tenant data is the client's to keep and no shared cache's; a version never changes. */
export const KEEP = "private, max-age=31536000, immutable";
const ASK_AGAIN = "private, no-cache";

export const configRoutes = () =>
  createRoutes()
    .openapi(contract.readLatestRoute, async (c) => {
      const { deployment, namespace } = c.req.valid("query");
      const ifNoneMatch = c.req.valid("header")["if-none-match"] ?? null;
      const latest = await readLatest(c.get("deps"), c.get("caller"), {
        deployment: deployment ?? null,
        namespace,
        ifNoneMatch,
      });
      c.header("etag", latest.etag);
      c.header("cache-control", ASK_AGAIN);
      c.header("retry-after", String(latest.pollSeconds));
      if (latest.state === "not_modified") return c.body(null, 304);
      const { name, configId, version, epoch, digest, isActive } = latest.deployment;
      const data = {
        deployment: name,
        namespace: latest.deployment.namespace,
        config_id: configId,
        version,
        epoch,
        manifest_sha256: digest,
        deleted: latest.state === "deleted",
        is_active: isActive,
        manifest: latest.manifest,
        files: filePaths(latest.manifest, version),
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(contract.readRenderedRoute, async (c) => {
      const { version: number } = c.req.valid("param");
      const { version, manifest, digest } = await readRender(c.get("deps"), c.get("caller"), number);
      c.header("etag", `"${digest}"`);
      c.header("cache-control", KEEP);
      const data = {
        deployment: version.deployment_name,
        namespace: version.namespace,
        config_id: version.config_id,
        version: number,
        epoch: version.epoch,
        manifest_sha256: digest,
        deleted: false,
        is_active: true,
        manifest,
        files: filePaths(manifest, number),
      };
      return c.json({ success: true as const, data }, 200);
    });

function filePaths(manifest: Manifest | null, version: number) {
  return (manifest?.files ?? []).map(({ filename, sha256, size }) => ({
    filename,
    sha256,
    size,
    path: `/config/${version}/files/${encodeURIComponent(filename)}`,
  }));
}
