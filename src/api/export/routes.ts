import { exportWorkspace } from "#actions/export-workspace.ts";
import { createRoutes } from "#api/create-routes.ts";
import { exportWorkspaceRoute } from "#api/export/contract.ts";

export const exportRoutes = () =>
  createRoutes().openapi(exportWorkspaceRoute, async (c) => {
    const lines = await exportWorkspace(c.get("deps"), c.get("caller"));
    c.header("content-type", "application/x-ndjson");
    c.header("content-disposition", 'attachment; filename="leger-export.jsonl"');
    return c.body(lines, 200) as never; // the types take every media type with "json" in it for one JSON value
  });
