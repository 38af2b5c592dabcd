import { expect, test } from "vitest";
import { type Permission, PERMISSIONS, PERMISSION_NAMES, TokenScope, scopeHas } from "#core/permissions.ts";
import { mintToken } from "#core/token.ts";
import { operations } from "./operations.ts";
import { world } from "./world.ts";

/** Document 002's access control matrix, with DESIGN 16: written out, so that a change of the table is a change here. */
const MATRIX: Record<Permission, string> = {
  "config:read": "user cli web legerd | viewer",
  "config:write": "user cli web | editor",
  "config:purge": "user cli web | admin",
  "deployments:report": "cli legerd | viewer",
  "devices:read": "user cli web legerd | viewer",
  "devices:describe": "user cli web legerd | viewer",
  "secrets:list": "user cli web legerd | viewer",
  "secrets:read": "user cli web legerd | editor",
  "secrets:write": "user cli web | editor",
  "schemas:read": "user cli web | viewer",
  "workspace:export": "user cli web | viewer",
  "generators:manage": "user cli web | editor",
  "audit:read": "user cli web | viewer",
  "self:read": "user cli web legerd | viewer",
  "account:manage": "user cli web | viewer",
  operator: "user cli web | viewer, operators",
};

test("the table of permissions is document 002's matrix", () => {
  const table = PERMISSION_NAMES.map((permission) => {
    const rule = PERMISSIONS[permission];
    const scopes = TokenScope.options.filter((scope) => scopeHas(scope, permission)).join(" ");
    return [permission, `${scopes} | ${rule.role}${"operator" in rule ? ", operators" : ""}`];
  });
  console.log(table.map(([permission, rule]) => `${permission}: ${rule}`).join("\n"));
  expect(Object.fromEntries(table)).toEqual(MATRIX);
});

test("every operation declares what it needs, and a token of each scope gets exactly that far", async () => {
  const w = world();
  const { id } = await w.tenant(`${w.name}@example.com`);
  const context = {
    keys: w.deps.settings.TOKEN_SIGNING_KEYS,
    issuer: w.deps.settings.TOKEN_ISSUER,
    now: w.clock.now(),
  };
  const tokens = await Promise.all(
    TokenScope.options.map(async (scope) => ({
      scope,
      token: await mintToken(context, { sub: id, dev: "d1", te: 0, ue: 0, scope, jti: crypto.randomUUID() }),
    })),
  );
  const wrong: string[] = [];
  for (const { name, method, path, isOpen, permission } of await operations(w)) {
    if (isOpen) continue;
    if (!permission || !PERMISSION_NAMES.includes(permission)) {
      wrong.push(`${name} declares no permission`);
      continue;
    }
    for (const { scope, token } of tokens) {
      const body = method === "GET" || method === "DELETE" ? {} : { body: {} };
      const answer = await w.request(method, path, { token, ...body });
      const isForbidden = answer.status === 403 && answer.body.error.code === "insufficient_permissions";
      const mayPass = scopeHas(scope, permission);
      // nobody here is an operator: theirs end as forbidden, or earlier because the body is empty
      const isAsDeclared =
        mayPass && permission === "operator" ? answer.status === 400 || isForbidden : isForbidden !== mayPass;
      if (!isAsDeclared || answer.status === 500) wrong.push(`${name} as ${scope}: ${answer.status}`);
    }
  }
  expect(wrong).toEqual([]);
});
