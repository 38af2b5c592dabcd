import { purgeConfiguration, readPurge } from "#actions/purge-configuration.ts";
import { restoreConfiguration } from "#actions/restore-configuration.ts";
import * as contract from "#api/configurations/deletion-contract.ts";
import { etag, savedView } from "#api/configurations/saved-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { AppError } from "#core/errors.ts";
import { backupsExpireAt } from "#core/purge.ts";
import type { PurgeRow } from "#store/purge-store.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** What comes after a deletion: back, or gone for good. */
export const deletionRoutes = () =>
  createRoutes()
    .openapi(contract.restoreConfigurationRoute, async (c) => {
      const headers = c.req.valid("header");
      const saved = await restoreConfiguration(c.get("deps"), c.get("caller"), {
        name: { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace },
        configId: c.req.valid("json").config_id ?? null,
        key: headers["idempotency-key"],
        cliVersion: headers["x-leger-cli-version"] ?? null,
      });
      c.header("etag", etag(saved.version.version));
      return c.json(success(savedView(saved)), 202);
    })
    .openapi(contract.purgeConfigurationRoute, async (c) => {
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const { confirm, config_id: configId = null } = c.req.valid("json");
      if (confirm !== name.deployment_name) throw AppError.of("purge_not_confirmed", { name: name.deployment_name });
      const purge = await purgeConfiguration(c.get("deps"), c.get("caller"), { name, configId });
      return c.json(success(purgeView(purge)), 202);
    })
    .openapi(contract.readPurgeRoute, async (c) => {
      const purge = await readPurge(c.get("deps"), c.get("caller"), c.req.valid("param").config_id);
      return c.json(success(purgeView(purge)), 200);
    });

const purgeView = (purge: PurgeRow) => ({
  config_id: purge.config_id,
  requested_by: purge.requested_by,
  requested_at: purge.requested_at,
  state: purge.finished_at === null ? ("removing" as const) : ("finished" as const),
  objects_removed: purge.objects_removed,
  finished_at: purge.finished_at,
  backups_expire_at: backupsExpireAt(purge.requested_at),
});
