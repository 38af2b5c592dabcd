// OWASP API6:2023, unrestricted access to sensitive business flows: what is fine once must not pay when it is automated,
// repeated or raced.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { RATE_LIMITS } from "#core/rate-limits.ts";
import { SMALL_PACK } from "../fixture-packs.ts";
import { world } from "../world.ts";

test("one Idempotency-Key sent fifty times at once saves one version", async () => {
  const w = world();
  const { token, id } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const answers = await Promise.all(
    Array.from({ length: 50 }, () =>
      w.request("POST", "/configurations", {
        token,
        headers: { "idempotency-key": "once" },
        body: { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } },
      }),
    ),
  );
  expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
  const versions = await env.DB.prepare("SELECT COUNT(*) AS n FROM configuration_versions WHERE workspace_id = ?")
    .bind(id)
    .first("n");
  expect(versions).toBe(1);
});

test("machine identities cannot be made by the thousand, nor make each other", async () => {
  const w = world();
  const { token } = await w.tenant();
  const statuses = [];
  for (let n = 0; n < RATE_LIMITS.generator_changes.max + 5; n++)
    statuses.push(
      (await w.request("POST", "/generators", { token, body: { name: `g${n}`, scopes: ["config:read"] } })).status,
    );
  expect(statuses.filter((status) => status === 201)).toHaveLength(50);
  expect(statuses.at(-1)).toBe(429);
});

test("deleting what a preview named cannot be replayed on what was made since", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const made = await w.request<{ generator: { id: string }; token: string }>("POST", "/generators", {
    token,
    body: { name: "ci", scopes: ["config:read", "config:write"] },
  });
  const { generator, token: machine } = made.body.data;
  const create = (name: string) =>
    w.request("POST", "/configurations", {
      token: machine,
      body: { deployment_name: name, pack: slug, config_data: { web: { port: 80 } } },
    });
  await create("old");
  const preview = await w.request<{ confirm: string }>("GET", `/generators/${generator.id}/cascade`, { token });
  await create("new");
  const path = `/generators/${generator.id}?cascade=true&confirm=${preview.body.data.confirm}`;
  expect((await w.request("DELETE", path, { token })).body.error.code).toBe("cascade_not_previewed");
  for (const name of ["old", "new"])
    expect((await w.request("GET", `/configurations/${name}`, { token })).status).toBe(200);
});

test("a purge takes the name, typed, and a deletion before it", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const body = { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } };
  await w.request("POST", "/configurations", { token, body });
  const purge = (confirm: string) => w.request("POST", "/configurations/site/purge", { token, body: { confirm } });
  expect((await purge("site")).status).toBeGreaterThanOrEqual(400);
  await w.request("DELETE", "/configurations/site", { token, headers: { "if-match": "*" } });
  expect((await purge("sit")).status).toBeGreaterThanOrEqual(400);
});
