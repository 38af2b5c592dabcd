import { createRoute, z } from "@hono/zod-openapi";
import { answers, refuses, takes } from "#api/envelope.ts";
import { TailscaleClaims } from "#core/tailscale.ts";

const SignInRequest = z
  .object({ tailscale: TailscaleClaims, cli_version: z.string().max(40).optional() })
  .openapi("SignInRequest");

const SignInAnswer = z
  .object({
    token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: z.int().openapi({ description: "Seconds." }),
    user_uuid: z.uuid(),
    user: z.object({ tailscale_email: z.string(), display_name: z.string().nullable() }),
  })
  .openapi("SignInAnswer");

export const signInRoute = createRoute({
  operationId: "signIn",
  summary: "Sign a device in by its Tailscale identity",
  tags: ["identity"],
  method: "post",
  path: "/auth/cli",
  security: [],
  request: { body: takes(SignInRequest, "What tailscale status --json says of this device") },
  responses: {
    200: answers(SignInAnswer, "A token for this device, good for 30 days"),
    ...refuses(
      "request_invalid",
      "tailscale_verification_failed",
      "tailnet_not_configured",
      "device_key_required",
      "tailscale_unavailable",
    ),
  },
});
