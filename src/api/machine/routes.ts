import { checkReadiness } from "#actions/check-readiness.ts";
import { createRoutes } from "#api/create-routes.ts";
import { healthRoute, jwksRoute, readyRoute } from "#api/machine/contract.ts";
import { publicJwks } from "#core/token.ts";

export const machineRoutes = () =>
  createRoutes()
    .openapi(healthRoute, (c) => c.json({ success: true as const, data: { status: "ok" as const } }, 200))
    .openapi(readyRoute, async (c) => {
      const { oldestPendingSeconds, schemasReady } = await checkReadiness(c.get("deps"));
      const data = {
        status: "ready" as const,
        oldest_pending_seconds: oldestPendingSeconds,
        schemas_ready: schemasReady,
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(jwksRoute, (c) => {
      c.header("cache-control", "public, max-age=300");
      return c.json(publicJwks(c.get("deps").settings.TOKEN_SIGNING_KEYS), 200);
    });
