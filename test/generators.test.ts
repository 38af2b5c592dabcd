import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { makeGeneratorToken, parseGeneratorToken } from "#core/generator.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { operations } from "./operations.ts";
import { world } from "./world.ts";

type Made = { generator: { id: string; name: string; [fact: string]: unknown }; token: string };
type Options = Record<string, unknown>;

async function site() {
  const w = world();
  const person = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const make = async (options: Options = {}) => {
    const body = { name: "ci", scopes: ["config:read", "config:write"], ...options };
    const answer = await w.request<Made>("POST", "/generators", { token: person.token, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return { ...answer.body.data.generator, token: answer.body.data.token };
  };
  const create = (token: string, name = "site", namespace = "/") =>
    w.request("POST", `/configurations?namespace=${namespace}`, {
      token,
      body: { deployment_name: name, pack: slug, config_data: { web: { port: 80 } } },
    });
  const edit = (token: string, port: number, { name = "site", namespace = "/" } = {}) =>
    w.request("PUT", `/configurations/${name}?namespace=${namespace}`, {
      token,
      headers: { "if-match": "*" },
      body: { config_data: { web: { port } } },
    });
  const as = (token: string, path = "/configurations") => w.request("GET", path, { token });
  return { w, ...person, slug, make, create, edit, as };
}

const audit = async (id: string) =>
  (
    await env.DB.prepare("SELECT actor, action, target FROM audit_log WHERE workspace_id = ? ORDER BY seq")
      .bind(id)
      .all<{ actor: string; action: string; target: string }>()
  ).results;

describe("a generator's token", () => {
  test("is shown once and stored only as its hash", async () => {
    const { w, token, make } = await site();
    const made = await make();
    expect(made.token).toMatch(/^lgr_[A-Za-z0-9_-]{90,}$/);
    for (const table of ["generators", "generator_tokens", "audit_log", "idempotency_keys", "rate_limits"]) {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table}`).all();
      expect(JSON.stringify(results).includes(made.token.slice(60)), table).toBe(false);
    }
    expect(JSON.stringify((await w.request("GET", "/generators", { token })).body)).not.toContain("lgr_");
    expect(JSON.stringify(w.lines)).not.toContain("lgr_");
  });

  test("reads and writes, and what it creates is its own in every record", async () => {
    const { w, id, make, create, edit, as } = await site();
    const made = await make();
    expect((await create(made.token)).status).toBe(202);
    expect((await edit(made.token, 81)).status).toBe(202);
    await w.deliver();
    expect(await as(made.token, "/configurations/site")).toMatchObject({
      status: 200,
      body: { data: { created_by: `generator:${made.id}`, version: 2 } },
    });
    expect((await as(made.token, "/config/latest")).status).toBe(200);
    expect((await as(made.token, "/config/2/bundle")).status).toBe(200);
    expect((await audit(id)).filter(({ action }) => action === "version.created").map(({ actor }) => actor)).toEqual([
      `generator:${made.id}`,
      `generator:${made.id}`,
    ]);
  });

  test("says which one it is, and any other spelling is none", async () => {
    const of = { workspaceId: crypto.randomUUID(), generatorId: crypto.randomUUID() };
    const { token, hash } = await makeGeneratorToken(of, crypto.getRandomValues(new Uint8Array(32)));
    expect(await parseGeneratorToken(token)).toEqual({ ...of, hash });
    const wrong = [
      token.slice(0, -1),
      `${token}A`,
      token.replace("lgr_", "lgr_A"),
      `leg_${token.slice(4)}`,
      `${token}=`,
      "lgr_",
      `lgr_${"A".repeat(91)}`,
      `${token.slice(0, 50)}${token[50] === "A" ? "B" : "A"}${token.slice(51)}`,
    ];
    for (const other of wrong) expect(await parseGeneratorToken(other), other).toBeNull();
  });

  test("that was forged with somebody's ids opens nothing, and spends nothing of that generator's", async () => {
    const { w, id, make, as } = await site();
    const made = await make();
    const forged = await makeGeneratorToken({ workspaceId: id, generatorId: made.id }, new Uint8Array(32));
    expect(await as(forged.token)).toMatchObject({ status: 401, body: { error: { code: "invalid_token" } } });
    expect(
      await env.DB.prepare("SELECT 1 FROM rate_limits WHERE holder = ?").bind(`generator:${made.id}`).first(),
    ).toBeNull();
    const elsewhere = await w.tenant(`${w.name}-2@example.com`);
    const moved = await makeGeneratorToken({ workspaceId: elsewhere.id, generatorId: made.id }, new Uint8Array(32));
    expect((await as(moved.token)).status).toBe(401);
    const headers = { "x-leger-workspace": elsewhere.id };
    expect((await w.request("GET", "/configurations", { token: made.token, headers })).status).toBe(401);
  });

  test("expires", async () => {
    const { w, make, as } = await site();
    const made = await make({ expires_in_days: 1 });
    w.clock.advance(86_399);
    expect((await as(made.token)).status).toBe(200);
    w.clock.advance(1);
    expect(await as(made.token)).toMatchObject({
      status: 401,
      body: { error: { message: "The token is not accepted: it has expired." } },
    });
  });

  test("is rotated: the old one ends at once, or after the overlap", async () => {
    const { w, token, make, as } = await site();
    const made = await make();
    const rotate = (body: object) => w.request<Made>("POST", `/generators/${made.id}/rotate`, { token, body });
    const second = (await rotate({ overlap_seconds: 600 })).body.data.token;
    expect([(await as(made.token)).status, (await as(second)).status]).toEqual([200, 200]);
    w.clock.advance(600);
    expect([(await as(made.token)).status, (await as(second)).status]).toEqual([401, 200]);
    const third = (await w.request<Made>("POST", `/generators/${made.id}/rotate`, { token })).body.data.token;
    expect([(await as(second)).status, (await as(third)).status]).toEqual([401, 200]);
    const both = await Promise.all([rotate({}), rotate({}), rotate({}), rotate({})]);
    const alive = [];
    for (const answer of both.filter(({ status }) => status === 200))
      alive.push((await as(answer.body.data.token)).status);
    expect(both.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(alive.filter((status) => status === 200)).toHaveLength(1);
  });
});

describe("a generator is never wider than its maker", () => {
  test("it gets its scopes and no more, and can make no other", async () => {
    const { w, make, create, as, token } = await site();
    const reader = await make({ scopes: ["config:read"] });
    await create(token);
    expect((await as(reader.token, "/configurations/site")).status).toBe(200);
    expect((await create(reader.token, "other")).status).toBe(403);
    expect((await as(reader.token, "/schemas")).status).toBe(403);
    const writer = await make({ name: "writer" });
    for (const { name, method, path, permission, isOpen } of await operations(w)) {
      if (isOpen || permission === "config:read" || permission === "config:write") continue;
      const answer = await w.request(method, path, {
        token: writer.token,
        ...(method !== "GET" && method !== "DELETE" && { body: {} }),
      });
      expect([401, 403], `${name}: ${answer.status}`).toContain(answer.status);
    }
  });

  test("not by a scope that nobody may give, nor by somebody with less", async () => {
    const { w, token, id } = await site();
    for (const scopes of [["generators:manage"], ["operator"], ["account:manage"], ["config:everything"], []])
      expect(
        (await w.request("POST", "/generators", { token, body: { name: "x", scopes } })).status,
        String(scopes),
      ).toBe(400);
    const editor = await w.tenant(`${w.name}-e@example.com`);
    await env.DB.prepare(
      "INSERT INTO memberships (workspace_id, user_uuid, role, created_at) VALUES (?, ?, 'viewer', '2026-01-01T00:00:00.000Z')",
    )
      .bind(id, editor.id)
      .run();
    expect(
      await w.request("POST", "/generators", {
        token: editor.token,
        headers: { "x-leger-workspace": id },
        body: { name: "x", scopes: ["config:read"] },
      }),
    ).toMatchObject({ status: 403, body: { error: { code: "insufficient_permissions" } } });
  });

  test("whoever is demoted or leaves takes their generators along, from the next request on", async () => {
    const { w, id } = await site();
    const maker = await w.tenant(`${w.name}-m@example.com`);
    const role = (name: string | null) =>
      name === null
        ? env.DB.prepare("DELETE FROM memberships WHERE workspace_id = ? AND user_uuid = ?").bind(id, maker.id).run()
        : env.DB.prepare(
            "INSERT INTO memberships (workspace_id, user_uuid, role, created_at) VALUES (?1, ?2, ?3, '2026-01-01T00:00:00.000Z') ON CONFLICT DO UPDATE SET role = ?3",
          )
            .bind(id, maker.id, name)
            .run();
    await role("editor");
    const made = await w.request<Made>("POST", "/generators", {
      token: maker.token,
      headers: { "x-leger-workspace": id },
      body: { name: "theirs", scopes: ["config:read", "config:write"] },
    });
    const { token } = made.body.data;
    const remove = () => w.request("DELETE", "/configurations/none", { token, headers: { "if-match": "*" } });
    expect((await remove()).status).toBe(404);
    await role("viewer");
    expect((await remove()).status).toBe(403);
    expect((await w.request("GET", "/configurations", { token })).status).toBe(200);
    await role(null);
    expect((await w.request("GET", "/configurations", { token })).status).toBe(401);
  });
});

describe("namespaces", () => {
  test("it sees and writes its own, and everything else looks as if it did not exist", async () => {
    const { w, token, make, create, edit, as } = await site();
    for (const [name, namespace] of [
      ["a", "/"],
      ["b", "/ci"],
      ["c", "/ci/site-a"],
      ["d", "/city"],
    ] as const)
      expect((await create(token, name, namespace)).status).toBe(202);
    await w.deliver();
    const made = await make({ namespaces: ["/ci"] });
    const list = await w.request<{ configurations: { name: string }[]; next_cursor: string | null }>(
      "GET",
      "/configurations?limit=1",
      { token: made.token },
    );
    expect(list.body.data.configurations.map(({ name }) => name)).toEqual(["b"]);
    expect(list.body.data.next_cursor).not.toBeNull();
    expect((await create(made.token, "new", "/ci/site-b")).status).toBe(202);
    for (const namespace of ["/", "/city", "/other"])
      expect(await create(made.token, "new", namespace), namespace).toMatchObject({
        status: 403,
        body: { error: { code: "namespace_forbidden" } },
      });
    expect((await edit(made.token, 99, { name: "a" })).status).toBe(404);
    expect((await edit(made.token, 99, { name: "d", namespace: "/city" })).status).toBe(404);
    expect((await edit(made.token, 99, { name: "c", namespace: "/ci/site-a" })).status).toBe(202);
    // by number: 1 and 4 are a's and d's, 2 and 3 its own
    const reads = [
      "/config/N",
      "/config/N/files/manifest.json",
      "/config/N/bundle",
      "/config/N/plan",
      "/config/N/quadlets",
      "/renders/N",
    ];
    for (const path of reads) {
      const statuses = await Promise.all(
        [1, 2, 3, 4].map(async (n) => (await as(made.token, path.replace("N", String(n)))).status),
      );
      expect(statuses, path).toEqual([404, 200, 200, 404]);
    }
    expect((await w.request("POST", "/config/1/links", { token: made.token })).status).toBe(404);
    expect((await as(made.token, "/config/2/plan?from=1")).status).toBe(404);
    expect((await as(made.token, "/config/latest?deployment=a")).status).toBe(404);
    expect((await as(made.token, "/config/latest?deployment=b&namespace=/ci")).status).toBe(200);
    const ambiguous = JSON.stringify((await as(made.token, "/config/latest")).body);
    expect(ambiguous).not.toMatch(/"a"|\bd\b|city/);
  });
});

describe("its number of requests", () => {
  test("is exact, its own, and does not touch its maker's", async () => {
    const { make, as, token } = await site();
    const [one, two] = [await make({ requests_per_hour: 20 }), await make({ name: "two", requests_per_hour: 5 })];
    const statuses = async (generator: { token: string }) =>
      (await Promise.all(Array.from({ length: 30 }, () => as(generator.token)))).map(({ status }) => status);
    expect((await statuses(one)).filter((status) => status === 200)).toHaveLength(20);
    expect((await statuses(two)).filter((status) => status === 200)).toHaveLength(5);
    const refused = await as(one.token, "/config/latest");
    expect(refused).toMatchObject({ status: 429 });
    expect(refused.headers.get("ratelimit-limit")).toBe("20");
    expect((await as(token)).status).toBe(200);
  });
});

describe("deleting one", () => {
  test("revokes it at once and keeps its work; it can be restored for 30 days, with a new token", async () => {
    const { w, token, make, create, as, id } = await site();
    const made = await make();
    await create(made.token);
    expect(await w.request("DELETE", `/generators/${made.id}`, { token })).toMatchObject({
      status: 200,
      body: { data: { deleted: [], remaining: 0, generator: { configurations: 1 } } },
    });
    expect((await as(made.token)).status).toBe(401);
    expect((await as(token, "/configurations/site")).status).toBe(200);
    expect((await w.request("DELETE", `/generators/${made.id}`, { token })).status).toBe(200); // again: nothing more
    const other = await make(); // the name is free again
    expect((await w.request("POST", `/generators/${made.id}/restore`, { token })).body.error.code).toBe(
      "generator_name_taken",
    );
    await w.request("DELETE", `/generators/${other.id}`, { token });
    w.clock.advance(29 * 86_400);
    const restored = await w.request<Made>("POST", `/generators/${made.id}/restore`, { token });
    expect(restored.status).toBe(200);
    expect([(await as(made.token)).status, (await as(restored.body.data.token)).status]).toEqual([401, 200]);
    w.clock.advance(2 * 86_400);
    const later = await w.tenant(); // the first token has ended too
    expect((await w.request("POST", `/generators/${other.id}/restore`, { token: later.token })).body.error.code).toBe(
      "generator_gone",
    );
    expect((await audit(id)).map(({ action }) => action).filter((action) => action.startsWith("generator."))).toEqual([
      "generator.created",
      "generator.deleted",
      "generator.created",
      "generator.deleted",
      "generator.restored",
    ]);
  });

  test("with cascade takes its deployments along, and only as the newest preview named them", async () => {
    const { w, token, make, create, edit, as } = await site();
    const made = await make();
    await create(made.token, "one");
    await create(made.token, "two");
    await create(token, "mine");
    const preview = async () =>
      (
        await w.request<{ goes: { name: string }[]; confirm: string }>("GET", `/generators/${made.id}/cascade`, {
          token,
        })
      ).body.data;
    const cascade = (confirm: string) =>
      w.request("DELETE", `/generators/${made.id}?cascade=true&confirm=${confirm}`, { token });
    const first = await preview();
    expect(first.goes.map(({ name }) => name)).toEqual(["one", "two"]);
    expect(await w.request("DELETE", `/generators/${made.id}?cascade=true`, { token })).toMatchObject({
      status: 409,
      body: { error: { code: "cascade_not_previewed" } },
    });
    await edit(token, 90, { name: "two" });
    expect((await cascade(first.confirm)).status).toBe(409);
    expect((await as(made.token)).status).toBe(200); // nothing was done
    const second = await preview();
    expect(await cascade(second.confirm)).toMatchObject({
      status: 200,
      body: { data: { deleted: [{ name: "one" }, { name: "two" }], remaining: 0 } },
    });
    expect((await as(made.token)).status).toBe(401);
    expect([
      (await as(token, "/configurations/one")).status,
      (await as(token, "/configurations/two")).status,
      (await as(token, "/configurations/mine")).status,
    ]).toEqual([404, 404, 200]);
  });

  test("what is made twice is made once: an Idempotency-Key, a taken name, another tenant's id", async () => {
    const { w, token } = await site();
    const make = (name: string) =>
      w.request<Made>("POST", "/generators", {
        token,
        headers: { "idempotency-key": "k" },
        body: { name, scopes: ["config:read"] },
      });
    const first = await make("ci");
    expect(first.status).toBe(201);
    expect(await make("ci")).toMatchObject({
      status: 200,
      body: { data: { token: null, generator: { id: first.body.data.generator.id } } },
    });
    expect((await make("other")).status).toBe(422);
    expect(
      (await w.request("POST", "/generators", { token, body: { name: "ci", scopes: ["config:read"] } })).body.error
        .code,
    ).toBe("generator_name_taken");
    const stranger = await w.tenant(`${w.name}-s@example.com`);
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/cascade"],
      ["DELETE", ""],
      ["POST", "/rotate"],
      ["POST", "/restore"],
    ] as const)
      expect(
        await w.request(method, `/generators/${first.body.data.generator.id}${path}`, { token: stranger.token }),
      ).toMatchObject({ status: 404, body: { error: { code: "generator_not_found" } } });
  });
});
