import { previewSave } from "#actions/preview-save.ts";
import { readVersionDiff } from "#actions/read-version-diff.ts";
import { previewRollback, rollbackConfiguration } from "#actions/rollback-configuration.ts";
import * as contract from "#api/configurations/comparison-contract.ts";
import { diffView, previewView } from "#api/configurations/preview-view.ts";
import { etag, savedView } from "#api/configurations/saved-view.ts";
import { versionView } from "#api/configurations/version-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { requireIfMatch } from "#api/parameters.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** Seeing before saving, comparing after, and going back. */
export const comparisonRoutes = () =>
  createRoutes()
    .openapi(contract.previewConfigurationRoute, async (c) => {
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const preview = await previewSave(c.get("deps"), c.get("caller"), { name, input: c.req.valid("json") });
      return c.json(success(previewView(preview)), 200);
    })
    .openapi(contract.diffVersionRoute, async (c) => {
      const { name: deployment_name, version: number } = c.req.valid("param");
      const { namespace, against = null } = c.req.valid("query");
      const name = { deployment_name, namespace };
      const { from, to, changes, comparison } = await readVersionDiff(c.get("deps"), c.get("caller"), {
        name,
        number,
        against,
      });
      const data = {
        from: from && versionView(from),
        to: versionView(to),
        changes,
        diff: comparison && diffView(comparison),
        plan: comparison && comparison.plan,
      };
      return c.json(success(data), 200);
    })
    .openapi(contract.rollbackConfigurationRoute, async (c) => {
      const headers = c.req.valid("header");
      const { to, keep = null, inputs = {}, accept_losses: acceptLosses } = c.req.valid("json");
      const saved = await rollbackConfiguration(c.get("deps"), c.get("caller"), {
        name: { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace },
        to,
        keep,
        inputs,
        acceptLosses,
        ifMatch: requireIfMatch(headers["if-match"]),
        key: headers["idempotency-key"],
        cliVersion: headers["x-leger-cli-version"] ?? null,
      });
      c.header("etag", etag(saved.version.version));
      return saved.unchanged ? c.json(success(savedView(saved)), 200) : c.json(success(savedView(saved)), 202);
    })
    .openapi(contract.previewRollbackRoute, async (c) => {
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const { to, keep = null, inputs = {} } = c.req.valid("json");
      const back = { name, to, keep, inputs };
      const { preview, losses } = await previewRollback(c.get("deps"), c.get("caller"), back);
      const data = {
        ...previewView(preview),
        losses: {
          decisions: losses.decisions,
          data_risks: losses.dataRisks,
          secrets_missing: losses.secretsMissing,
          versions_undone: losses.versionsUndone.map(({ version, created_at, changes_summary }) => ({
            version,
            created_at,
            changes_summary,
          })),
        },
      };
      return c.json(success(data), 200);
    });
