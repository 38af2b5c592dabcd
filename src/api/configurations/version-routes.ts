import { z } from "@hono/zod-openapi";
import { type HistoryVersion, listVersions, readVersion } from "#actions/read-configurations.ts";
import { type ProvenanceLine, readProvenance } from "#actions/read-provenance.ts";
import * as contract from "#api/configurations/contract.ts";
import { versionView } from "#api/configurations/version-view.ts";
import { createRoutes } from "#api/create-routes.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** History: what was saved, and where its lines come from. */
export const versionRoutes = () =>
  createRoutes()
    .openapi(contract.listVersionsRoute, async (c) => {
      const { namespace, limit, cursor } = c.req.valid("query");
      const name = { deployment_name: c.req.valid("param").name, namespace };
      const before = decodeCursor(cursor, z.number().int());
      const { items, next } = await listVersions(c.get("deps"), c.get("caller"), { name, before, limit });
      return c.json(
        success({ versions: items.map(historyView), next_cursor: next === null ? null : encodeCursor(next) }),
        200,
      );
    })
    .openapi(contract.readVersionRoute, async (c) => {
      const { name: deployment_name, version: number } = c.req.valid("param");
      const name = { deployment_name, namespace: c.req.valid("query").namespace };
      const version = await readVersion(c.get("deps"), c.get("caller"), { number, name });
      return c.json(success(versionView(version)), 200);
    })
    .openapi(contract.readProvenanceRoute, async (c) => {
      const { name: deployment_name, version: number } = c.req.valid("param");
      const { namespace, file = null, line = null, decision = null } = c.req.valid("query");
      const lines = await readProvenance(c.get("deps"), c.get("caller"), {
        name: { deployment_name, namespace },
        number,
        file,
        line,
        decision,
      });
      return c.json(success({ lines: lines.map(lineView) }), 200);
    });

const historyView = ({ devices, ...version }: HistoryVersion) => ({
  ...versionView(version),
  devices: devices.map(({ device_id, device_hostname, deployment_status }) => ({
    device_id,
    hostname: device_hostname,
    status: deployment_status,
  })),
});

const lineView = ({ places, values, conditions, ...at }: ProvenanceLine) => ({
  ...at,
  places: [...places],
  values: [...values],
  conditions: [...conditions],
});
