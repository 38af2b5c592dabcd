import { signInRoute } from "#api/auth/contract.ts";
import { createRoutes } from "#api/create-routes.ts";
import { signIn } from "#actions/sign-in.ts";
import { addressHolder } from "#core/rate-limits.ts";

export const authRoutes = () =>
  createRoutes().openapi(signInRoute, async (c) => {
    const { tailscale, cli_version } = c.req.valid("json");
    const { token, expiresInSeconds, user } = await signIn(c.get("deps"), {
      claims: tailscale,
      cliVersion: cli_version ?? null,
      address: addressHolder(c.req.header("cf-connecting-ip")),
    });
    const data = {
      token,
      token_type: "Bearer" as const,
      expires_in: expiresInSeconds,
      user_uuid: user.user_uuid,
      user: { tailscale_email: user.tailscale_email, display_name: user.display_name },
    };
    return c.json({ success: true as const, data }, 200);
  });
