import { listRotations, readRotation, startRotation } from "#actions/rotate-keys.ts";
import { createRoutes } from "#api/create-routes.ts";
import * as contract from "#api/operations/contract.ts";
import type { RotationRow } from "#store/key-rotation-store.ts";

const success = <T>(data: T) => ({ success: true as const, data });

export const operationRoutes = () =>
  createRoutes()
    .openapi(contract.startRotationRoute, async (c) => {
      const body = c.req.valid("json");
      const wanted = body.kind === "reencrypt" ? { kind: body.kind, workspaceId: body.workspace_id } : body;
      return c.json(success(rotationView(await startRotation(c.get("deps"), c.get("caller"), wanted))), 202);
    })
    .openapi(contract.listRotationsRoute, async (c) => {
      const { rotations, ring } = await listRotations(c.get("deps"), c.get("caller"));
      return c.json(success({ rotations: rotations.map(rotationView), ring }), 200);
    })
    .openapi(contract.readRotationRoute, async (c) => {
      const rotation = await readRotation(c.get("deps"), c.get("caller"), c.req.valid("param").id);
      return c.json(success({ ...rotationView(rotation), remaining: rotation.remaining }), 200);
    });

const rotationView = (row: RotationRow) => ({
  id: row.id,
  kind: row.kind,
  workspace_id: row.workspace_id,
  state: row.state,
  done: row.done,
  failed: row.failed,
  requested_by: row.requested_by,
  requested_at: row.requested_at,
  updated_at: row.updated_at,
  finished_at: row.finished_at,
});
