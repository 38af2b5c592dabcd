import { z } from "zod";
import { describeDevice } from "#actions/describe-device.ts";
import { listDevices } from "#actions/read-deployments.ts";
import { createRoutes } from "#api/create-routes.ts";
import { describeDeviceRoute, listDevicesRoute } from "#api/devices/contract.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";
import { isOffline } from "#core/device-state.ts";
import type { DeviceRow } from "#store/device-store.ts";

const DeviceCursor = z.object({ user: z.string(), device: z.string() });

export const deviceRoutes = () =>
  createRoutes()
    .openapi(listDevicesRoute, async (c) => {
      const { limit, cursor } = c.req.valid("query");
      const { items, next } = await listDevices(c.get("deps"), c.get("caller"), {
        after: decodeCursor(cursor, DeviceCursor),
        limit,
      });
      const now = c.get("deps").clock.now();
      const data = { devices: items.map((row) => deviceView(row, now)), next_cursor: next && encodeCursor(next) };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(describeDeviceRoute, async (c) => {
      const of = { deviceId: c.req.valid("param").id, facts: c.req.valid("json") };
      const row = await describeDevice(c.get("deps"), c.get("caller"), of);
      return c.json({ success: true as const, data: deviceView(row, c.get("deps").clock.now()) }, 200);
    });

const deviceView = (row: DeviceRow, now: Date) => ({
  device_id: row.device_id,
  user_uuid: row.user_uuid,
  hostname: row.hostname,
  tailnet: row.tailnet,
  podman_version: row.podman_version,
  agent_version: row.agent_version,
  labels: JSON.parse(row.labels) as Record<string, string>,
  is_revoked: row.revoked_at !== null,
  is_offline: isOffline(row.last_seen, now),
  last_seen: row.last_seen,
  created_at: row.created_at,
});
