import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";

const StartRotation = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("rewrap") }),
    z.strictObject({ kind: z.literal("reencrypt"), workspace_id: z.uuid() }),
    z.strictObject({ kind: z.literal("import") }),
  ])
  .openapi("StartRotation", {
    description:
      "rewrap: all data keys under the ring's first entry. reencrypt: a workspace's values under a new data key. import: v0.1's records out of KV.",
  });

const Rotation = z
  .object({
    id: z.uuid(),
    kind: z.enum(["rewrap", "reencrypt", "import"]),
    workspace_id: z.string(),
    state: z.enum(["running", "finished", "blocked"]).openapi({
      description: "blocked: some could not be decrypted; they are counted, and the old key is kept.",
    }),
    done: z.int(),
    failed: z.int(),
    requested_by: z.string(),
    requested_at: z.string(),
    updated_at: z.string(),
    finished_at: z.string().nullable(),
  })
  .openapi("Rotation");
const RotationProgress = Rotation.extend({
  remaining: z.int().openapi({ description: "What is still under the old key." }),
}).openapi("RotationProgress");

const KeysInUse = z.object({ kid: z.string(), keys: z.int(), is_in_ring: z.boolean(), is_first: z.boolean() });

const tags = ["operations"];

export const startRotationRoute = createRoute({
  operationId: "startKeyRotation",
  ...needs("operator"),
  summary: "Begin a rotation of keys; the sweep drives it",
  tags,
  method: "post",
  path: "/operations/key-rotations",
  request: { body: takes(StartRotation, "Which") },
  responses: {
    202: answers(Rotation, "It runs"),
    ...refuses(
      "insufficient_permissions",
      "request_invalid",
      "rotation_running",
      "workspace_not_found",
      "not_configured",
    ),
  },
});

export const listRotationsRoute = createRoute({
  operationId: "listKeyRotations",
  ...needs("operator"),
  summary: "The newest rotations, and which entries of the key ring are in use",
  tags,
  method: "get",
  path: "/operations/key-rotations",
  responses: {
    200: answers(z.object({ rotations: z.array(Rotation), ring: z.array(KeysInUse) }), "Newest first"),
    ...refuses("insufficient_permissions"),
  },
});

export const readRotationRoute = createRoute({
  operationId: "readKeyRotation",
  ...needs("operator"),
  summary: "How far a rotation is",
  tags,
  method: "get",
  path: "/operations/key-rotations/{id}",
  request: { params: z.object({ id: z.string().max(100) }) },
  responses: {
    200: answers(RotationProgress, "Its progress"),
    ...refuses("insufficient_permissions", "rotation_not_found"),
  },
});
