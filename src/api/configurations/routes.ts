import { z } from "@hono/zod-openapi";
import { createConfiguration } from "#actions/create-configuration.ts";
import { deleteConfiguration } from "#actions/delete-configuration.ts";
import { listConfigurations, listDeleted, readConfiguration } from "#actions/read-configurations.ts";
import { saveConfiguration } from "#actions/save-configuration.ts";
import * as contract from "#api/configurations/contract.ts";
import { etag, savedView } from "#api/configurations/saved-view.ts";
import { versionView } from "#api/configurations/version-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { decodeCursor, encodeCursor, requireIfMatch } from "#api/parameters.ts";
import type { Configuration } from "#store/configuration-store.ts";

const NameCursor = z.object({ namespace: z.string(), deployment_name: z.string() });
const DeletionCursor = z.object({ deletedAt: z.string(), version: z.int() });
const success = <T>(data: T) => ({ success: true as const, data });

export const configurationRoutes = () =>
  createRoutes()
    .openapi(contract.listConfigurationsRoute, async (c) => {
      const { limit, cursor, deleted } = c.req.valid("query");
      if (deleted === "true") {
        const before = decodeCursor(cursor, DeletionCursor);
        const page = await listDeleted(c.get("deps"), c.get("caller"), { before, limit });
        const next_cursor = page.next && encodeCursor(page.next);
        return c.json(success({ configurations: page.items.map(configurationView), next_cursor }), 200);
      }
      const after = decodeCursor(cursor, NameCursor);
      const { items, next } = await listConfigurations(c.get("deps"), c.get("caller"), { after, limit });
      return c.json(
        success({ configurations: items.map(configurationView), next_cursor: next && encodeCursor(next) }),
        200,
      );
    })
    .openapi(contract.createConfigurationRoute, async (c) => {
      const headers = c.req.valid("header");
      const input = { ...c.req.valid("json"), ...c.req.valid("query") };
      const saved = await createConfiguration(c.get("deps"), c.get("caller"), {
        input,
        key: headers["idempotency-key"],
        cliVersion: headers["x-leger-cli-version"] ?? null,
      });
      c.header("location", `/configurations/${input.deployment_name}`);
      c.header("etag", etag(saved.version.version));
      return c.json(success(savedView(saved)), 202);
    })
    .openapi(contract.readConfigurationRoute, async (c) => {
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const { configuration, warnings } = await readConfiguration(c.get("deps"), c.get("caller"), name);
      c.header("etag", etag(configuration.version));
      return c.json(success({ ...configurationView(configuration), warnings }), 200);
    })
    .openapi(contract.saveConfigurationRoute, async (c) => {
      const headers = c.req.valid("header");
      const saved = await saveConfiguration(c.get("deps"), c.get("caller"), {
        name: { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace },
        input: c.req.valid("json"),
        ifMatch: requireIfMatch(headers["if-match"]),
        key: headers["idempotency-key"],
        cliVersion: headers["x-leger-cli-version"] ?? null,
      });
      c.header("etag", etag(saved.version.version));
      return saved.unchanged ? c.json(success(savedView(saved)), 200) : c.json(success(savedView(saved)), 202);
    })
    .openapi(contract.deleteConfigurationRoute, async (c) => {
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const ifMatch = requireIfMatch(c.req.valid("header")["if-match"]);
      const version = await deleteConfiguration(c.get("deps"), c.get("caller"), { name, ifMatch });
      return c.json(success(versionView(version)), 200);
    });

const configurationView = (configuration: Configuration) => ({
  config_id: configuration.id,
  name: configuration.deploymentName,
  namespace: configuration.namespace,
  version: configuration.version,
  head_version: configuration.headVersion,
  render_state: configuration.renderState,
  config_data: configuration.configData,
  pack: configuration.pack,
  schema_version: configuration.schemaVersion,
  schema_range: configuration.schemaRange,
  upgrade_policy: configuration.upgradePolicy,
  podman_target: configuration.podmanTarget,
  is_active: configuration.isActive,
  changes_summary: configuration.changesSummary,
  created_at: configuration.createdAt,
  created_by: configuration.createdBy,
  saved_at: configuration.savedAt,
  deleted_at: configuration.deletedAt,
  purged_at: configuration.purgedAt,
});
