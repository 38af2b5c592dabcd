import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CursorQuery } from "#api/parameters.ts";
import { LIMITS } from "#core/limits.ts";

const Device = z
  .object({
    device_id: z.string(),
    user_uuid: z.uuid(),
    hostname: z.string(),
    tailnet: z.string(),
    podman_version: z.string().nullable(),
    agent_version: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    is_revoked: z.boolean(),
    is_offline: z.boolean().openapi({ description: "Not heard of for 15 minutes. Not a failure." }),
    last_seen: z.string(),
    created_at: z.string(),
  })
  .openapi("Device");

const LABEL = /^[a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?$/;
const Labels = z
  .record(z.string().regex(LABEL, "A key like site or example.com/site."), z.string().max(63))
  .refine((labels) => Object.keys(labels).length <= LIMITS.device_labels_max.value, {
    message: `At most ${LIMITS.device_labels_max.value} labels.`,
  });

const DeviceFacts = z
  .strictObject({
    hostname: z.string().min(1).max(253).optional(),
    podman_version: z
      .string()
      .regex(/^\d+\.\d+(?:\.\d+)?(?:[-+.~][0-9A-Za-z.+~-]{1,40})?$/, "A version like 5.4.2.")
      .optional(),
    agent_version: z.string().min(1).max(60).optional(),
    labels: Labels.optional().openapi({ description: "All of them: what is left out is taken away." }),
  })
  .openapi("DeviceFacts");

export const listDevicesRoute = createRoute({
  operationId: "listDevices",
  summary: "The machines of this workspace",
  tags: ["devices"],
  method: "get",
  path: "/devices",
  ...needs("devices:read"),
  request: { query: CursorQuery },
  responses: {
    200: answers(z.object({ devices: z.array(Device), next_cursor: z.string().nullable() }), "A page of devices"),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

export const describeDeviceRoute = createRoute({
  operationId: "describeDevice",
  summary: "Say what a device is; what is left out stays as it is",
  tags: ["devices"],
  method: "put",
  path: "/devices/{id}",
  ...needs("devices:describe"),
  request: {
    params: z.object({ id: z.string().min(1).max(200) }),
    body: takes(DeviceFacts, "Facts, which a device may say of itself; labels, which a person sets"),
  },
  responses: {
    200: answers(Device, "The device"),
    ...refuses("device_not_found", "device_not_own", "insufficient_permissions", "request_invalid"),
  },
});
