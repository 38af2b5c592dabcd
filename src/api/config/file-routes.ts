import type { Context } from "hono";
import { buildBundle } from "#actions/build-bundle.ts";
import { checkRender } from "#actions/check-render.ts";
import { makeLinks } from "#actions/make-links.ts";
import { readPlan, readQuadlets } from "#actions/read-plan.ts";
import { readLinkedFile, readRender, readRenderFile } from "#actions/read-render.ts";
import * as contract from "#api/config/contract.ts";
import { KEEP } from "#api/config/routes.ts";
import type { ApiEnv } from "#api/context.ts";
import { createRoutes } from "#api/create-routes.ts";
import { AppError } from "#core/errors.ts";
import { checkLink } from "#core/link.ts";

/** What is made of a render's files: bytes, the bundle, a plan, a verdict. */
export const fileRoutes = () =>
  createRoutes()
    .openapi(contract.readFileRoute, async (c) => {
      const { version: number, file } = c.req.valid("param");
      const deps = c.get("deps");
      return sendFile(c, await readRenderFile(deps, await readRender(deps, c.get("caller"), number), file));
    })
    .openapi(contract.makeLinksRoute, async (c) => {
      const links = await makeLinks(c.get("deps"), c.get("caller"), c.req.valid("param").version);
      return c.json({ success: true as const, data: links }, 200);
    })
    .openapi(contract.followLinkRoute, async (c) => {
      const { workspace: workspaceId, version, file } = c.req.valid("param");
      const { expires, signature } = c.req.valid("query");
      const { settings, clock } = c.get("deps");
      const link = { workspaceId, version, file, expires, signature };
      const checked = await checkLink(settings.LINK_SIGNING_KEY, link, clock.now());
      if (!checked.ok)
        throw checked.error === "expired" ? AppError.of("link_expired", {}) : AppError.of("link_invalid", {});
      return sendFile(c, await readLinkedFile(c.get("deps"), link));
    })
    .openapi(contract.readBundleRoute, async (c) => {
      const bundle = await buildBundle(c.get("deps"), c.get("caller"), c.req.valid("param").version);
      c.header("content-type", "application/gzip");
      c.header("content-disposition", `attachment; filename="${bundle.filename}"`);
      c.header("etag", `"${bundle.digest}.tar.gz"`);
      c.header("cache-control", KEEP);
      return c.body(bundle.bytes as Uint8Array<ArrayBuffer>, 200);
    })
    .openapi(contract.readPlanRoute, async (c) => {
      const numbers = { to: c.req.valid("param").version, from: c.req.valid("query").from ?? null };
      const plan = await readPlan(c.get("deps"), c.get("caller"), numbers);
      c.header("cache-control", KEEP); // between two versions, which never change
      return c.json({ success: true as const, data: plan }, 200);
    })
    .openapi(contract.checkRenderRoute, async (c) => {
      const asked = { version: c.req.valid("param").version, podman: c.req.valid("query").podman ?? null };
      const check = await checkRender(c.get("deps"), c.get("caller"), asked);
      return c.json({ success: true as const, data: check }, 200);
    })
    .openapi(contract.readQuadletsRoute, async (c) => {
      const { version } = c.req.valid("param");
      const quadlets = await readQuadlets(c.get("deps"), c.get("caller"), version);
      const leftOut = quadlets.findings.map(({ place }) => place?.file).filter(Boolean);
      if (leftOut.length > 0) c.header("x-leger-left-out", leftOut.join(", "));
      c.header("content-disposition", `attachment; filename="${quadlets.name}-v${version}.quadlets"`);
      c.header("cache-control", KEEP);
      return c.text(quadlets.text, 200);
    });

function sendFile(c: Context<ApiEnv>, file: { bytes: Uint8Array; sha256: string; filename: string }) {
  const etag = `"${file.sha256}"`;
  c.header("etag", etag);
  c.header("cache-control", KEEP);
  if (c.req.header("if-none-match") === etag) return c.body(null, 304);
  c.header("content-type", file.filename.endsWith(".json") ? "application/json" : "text/plain; charset=utf-8");
  c.header("content-disposition", `attachment; filename="${file.filename}"`);
  return c.body(file.bytes as Uint8Array<ArrayBuffer>, 200);
}
