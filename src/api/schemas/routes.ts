import { listSchemas, readSchema, syncNow } from "#actions/read-schemas.ts";
import { createRoutes } from "#api/create-routes.ts";
import { compatibilityView, matrixView } from "#api/schemas/compatibility-view.ts";
import { listSchemasRoute, readSchemaRoute, syncSchemasRoute } from "#api/schemas/contract.ts";
import type { Verdict } from "#core/compatibility/compatibility.ts";
import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import type { SchemaListRow } from "#store/schema-store.ts";

export const schemaRoutes = () =>
  createRoutes()
    .openapi(listSchemasRoute, async (c) => {
      const rows = await listSchemas(c.get("deps"), c.get("caller"));
      return c.json({ success: true as const, data: { schemas: rows.map(summaryView) } }, 200);
    })
    .openapi(readSchemaRoute, async (c) => {
      const of = { pack: c.req.valid("query").pack, version: c.req.valid("param").version };
      const row = await readSchema(c.get("deps"), c.get("caller"), of);
      c.header("etag", `"${row.pack_digest}"`);
      const matrix = matrixView(row.matrix);
      const data = {
        ...summaryView({ ...row, compatibility: null, matrix_rows: matrix && matrix.rows }),
        compatibility: compatibilityView(row.compatibility),
        matrix,
        migration_required: row.migration_required === 1,
        config_schema: JSON.parse(row.config_schema) as JsonObject,
        template_manifest: JSON.parse(row.template_manifest) as JsonObject,
        report: JSON.parse(row.report) as Finding[],
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(syncSchemasRoute, async (c) => {
      const repositories = await syncNow(c.get("deps"), c.get("caller"));
      return c.json({ success: true as const, data: { repositories } }, 200);
    });

const summaryView = (row: SchemaListRow) => ({
  pack: row.pack,
  version: row.version,
  status: row.status,
  github_release_url: row.github_release_url,
  commit_sha: row.commit_sha,
  asset_digest: row.asset_digest,
  pack_digest: row.pack_digest,
  podman: { min: row.podman_min, max: row.podman_max },
  released_at: row.released_at,
  fetched_at: row.fetched_at,
  compatibility: row.compatibility === null ? null : (JSON.parse(row.compatibility) as Verdict),
  matrix_rows: row.matrix_rows,
  alarm: row.alarm === null ? null : (JSON.parse(row.alarm) as { code: string; reason: string }),
  yanked_reason: row.yanked_reason,
});
