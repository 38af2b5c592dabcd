import { whoAmI } from "#actions/read-account.ts";
import { signIn } from "#actions/sign-in.ts";
import { asDevice } from "#actions/read-as.ts";
import * as contract from "#api/auth/contract.ts";
import { createRoutes } from "#api/create-routes.ts";
import { proveKey } from "#api/prove-key.ts";
import { PERMISSION_NAMES, isForOperators, roleHas, scopeHas } from "#core/permissions.ts";
import { addressHolder } from "#core/rate-limits.ts";
import { toInstant } from "#core/runtime.ts";
import { schemeOf } from "#core/token.ts";

export const authRoutes = () =>
  createRoutes()
    .openapi(contract.signInRoute, async (c) => {
      const { tailscale, cli_version, id_token, code } = c.req.valid("json");
      const { token, expiresInSeconds, isBound, user } = await signIn(c.get("deps"), {
        claims: tailscale,
        cliVersion: cli_version ?? null,
        address: addressHolder(c.req.header("cf-connecting-ip")),
        proof: await proveKey(c, null),
        idToken: id_token ?? null,
        code: code ?? null,
      });
      const data = {
        token,
        token_type: schemeOf(isBound),
        expires_in: expiresInSeconds,
        user_uuid: user.user_uuid,
        user: { tailscale_email: user.tailscale_email, display_name: user.display_name },
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(contract.whoAmIRoute, async (c) => {
      const caller = asDevice(c.get("caller"));
      const { userUuid, login, workspaceId, role, epoch, isOperator } = await whoAmI(c.get("deps"), caller);
      const { scope, cnf, exp } = caller.claims;
      const data = {
        user_uuid: userUuid,
        login,
        device_id: caller.deviceId,
        scope,
        workspace: { id: workspaceId, role, epoch },
        is_operator: isOperator,
        is_bound: cnf !== undefined,
        permissions: PERMISSION_NAMES.filter(
          (name) => scopeHas(scope, name) && roleHas(role, name) && (isOperator || !isForOperators(name)),
        ),
        expires_at: toInstant(new Date(exp * 1000)),
      };
      return c.json({ success: true as const, data }, 200);
    });
