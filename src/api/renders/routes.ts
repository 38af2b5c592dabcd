import { readVersion } from "#actions/read-configurations.ts";
import { retryRender } from "#actions/retry-render.ts";
import { versionView } from "#api/configurations/version-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { readRenderRoute, retryRenderRoute } from "#api/renders/contract.ts";
import type { Finding } from "#core/finding.ts";
import type { Version } from "#store/version-store.ts";

/** A watcher should ask again soon while the job runs. */
const WATCH_SECONDS = 1;

export const renderRoutes = () =>
  createRoutes()
    .openapi(readRenderRoute, async (c) => {
      const { version: number } = c.req.valid("param");
      const version = await readVersion(c.get("deps"), c.get("caller"), { number, name: null });
      const view = renderView(version);
      if (view.state === "queued" || view.state === "rendering") c.header("retry-after", String(WATCH_SECONDS));
      return c.json({ success: true as const, data: view }, 200);
    })
    .openapi(retryRenderRoute, async (c) => {
      const version = await retryRender(c.get("deps"), c.get("caller"), c.req.valid("param").version);
      return c.json({ success: true as const, data: renderView(version) }, 202);
    });

type Failure = { code: string; message: string; findings: Finding[] };

const renderView = (version: Version) => ({
  version: version.version,
  name: version.deployment_name,
  namespace: version.namespace,
  state: versionView(version).render.state,
  attempts: version.job_attempts ?? 0,
  updated_at: version.job_updated_at,
  failure: version.job_failure === null ? null : (JSON.parse(version.job_failure) as Failure),
  warnings: JSON.parse(version.job_warnings ?? "[]") as Finding[],
});
