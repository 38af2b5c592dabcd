import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createApi } from "#api/app.ts";
import { LIMITS } from "#core/limits.ts";
import { depsFrom } from "#deps.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

const stored = async (id: string) =>
  (
    await env.DB.prepare("SELECT COUNT(*) AS n FROM configuration_versions WHERE workspace_id = ?")
      .bind(id)
      .first<{ n: number }>()
  )?.n;
const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);

async function site() {
  const w = world();
  const tenant = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const create = (config_data: unknown, more: object = {}) =>
    w.request("POST", "/configurations", {
      token: tenant.token,
      body: { deployment_name: "site", pack: slug, config_data, ...more },
    });
  const raw = (body: string, headers: Record<string, string> = {}) =>
    w.request("POST", "/configurations", { token: tenant.token, body, headers });
  return { w, ...tenant, slug, create, raw };
}

describe("bad input is refused with a code of the catalogue and an action, and stores nothing", () => {
  test("bodies", async () => {
    const { raw, id } = await site();
    const cases: [string, string, number, string, Record<string, string>?][] = [
      ["not JSON", "{nope", 400, "body_not_json"],
      ["cut off in the middle", '{"deployment_name": "site", "config', 400, "body_not_json"],
      ["empty", "", 400, "request_invalid"],
      ["an array", "[1]", 400, "request_invalid"],
      ["2 MB of JSON", JSON.stringify({ a: "x".repeat(2_000_000) }), 413, "body_too_large"],
      ["depth 100", `{"config_data": ${nested(100)}}`, 400, "body_too_complex"],
      ["depth 100,000", `{"config_data": ${nested(100_000)}}`, 400, "body_too_complex"],
      [
        "20,000 keys",
        JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n]))),
        400,
        "body_too_complex",
      ],
      ["__proto__", '{"deployment_name":"a","config_data":{"__proto__":{"x":1}}}', 400, "body_too_complex"],
      [
        "an integer beyond 2^53",
        '{"deployment_name":"a","config_data":{"web":{"port":9007199254740993}}}',
        400,
        "number_not_exact",
      ],
      ["no JSON by its own word", "{}", 415, "media_type_unsupported", { "content-type": "text/plain" }],
      [
        "wrong shape",
        '{"deployment_name": "Bad Name", "config_data": 3, "podman_target": "x"}',
        400,
        "request_invalid",
      ],
    ];
    for (const [name, body, status, code, headers] of cases) {
      const answer = await raw(body, headers);
      expect(answer.status, name).toBe(status);
      expect(answer.body.error, name).toMatchObject({
        code,
        action: expect.stringMatching(/\w/),
        message: expect.stringMatching(/\w/),
      });
    }
    expect(await stored(id)).toBe(0);
  });

  test("decisions: all problems at once, each with its JSON Pointer and a did-you-mean", async () => {
    const { create, id } = await site();
    const answer = await create({ web: { prot: 80, port: "80", image: 3 }, brake_it: true });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: "config_invalid", message: expect.stringContaining("4 problems") } },
    });
    expect(answer.body.error.details).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          code: "unknown_decision",
          decision: "/web/prot",
          message: expect.stringContaining('did you mean "port"'),
        }),
        expect.objectContaining({
          code: "unknown_decision",
          decision: "/brake_it",
          message: expect.stringContaining('did you mean "break_it"'),
        }),
        expect.objectContaining({
          code: "decision_wrong_type",
          decision: "/web/port",
          message: "Must be an integer, but is a string.",
        }),
        expect.objectContaining({ code: "decision_wrong_type", decision: "/web/image" }),
      ]),
    );
    expect(await create({})).toMatchObject({
      status: 400,
      body: { error: { details: [{ code: "decision_missing", decision: "/web/port" }] } },
    });
    expect(await create({ web: { port: 0 } })).toMatchObject({
      status: 400,
      body: { error: { details: [{ code: "decision_out_of_bounds", message: "Must be at least 1." }] } },
    });
    expect(await stored(id)).toBe(0);
  });

  test("schema versions, packs, targets, names", async () => {
    const { create, id, slug } = await site();
    const data = { web: { port: 80 } };
    const codeOf = async (more: object) => (await create(data, more)).body.error?.code;
    expect(await codeOf({ schema_version: "v9.9.9" })).toBe("schema_version_unknown");
    expect((await create(data, { schema_version: "v9.9.9" })).body.error.details).toEqual([
      { pack: slug, ready_version: "v1.0.0" },
    ]);
    expect(await codeOf({ pack: "nowhere" })).toBe("schema_version_unknown");
    expect(await codeOf({ podman_target: "4.4" })).toBe("podman_target_out_of_range");
    expect(await codeOf({ deployment_name: "../etc" })).toBe("request_invalid");
    expect(await codeOf({ schema_version: "v1.0.0", schema_range: "not a range" })).toBe("request_invalid");
    expect(await stored(id)).toBe(0);
    expect((await create(data)).status).toBe(202);
    expect(await codeOf({})).toBe("deployment_name_taken");
    expect(await stored(id)).toBe(1);
  });

  test("edits without, with a malformed and with a stale If-Match", async () => {
    const { w, token, create, id } = await site();
    await create({ web: { port: 80 } });
    const edit = (headers: Record<string, string>) =>
      w.request("PUT", "/configurations/site", { token, headers, body: { config_data: { web: { port: 81 } } } });
    expect((await edit({})).status).toBe(428);
    expect((await edit({ "if-match": "1" })).body.error.code).toBe("precondition_malformed");
    expect((await edit({ "if-match": '"7"' })).body.error.code).toBe("version_conflict");
    expect((await edit({ "if-match": '"1"', "idempotency-key": "x".repeat(201) })).body.error.code).toBe(
      "request_invalid",
    );
    expect(await stored(id)).toBe(1);
  });

  test("another workspace's configuration looks like one that does not exist", async () => {
    const { w, create } = await site();
    await create({ web: { port: 80 } });
    const stranger = await w.tenant(`${w.name}-s@example.com`);
    for (const [method, path] of [
      ["GET", "/configurations/site"],
      ["PUT", "/configurations/site"],
      ["DELETE", "/configurations/site"],
      ["GET", "/configurations/site/versions"],
    ] as const) {
      const answer = await w.request(method, path, {
        token: stranger.token,
        headers: { "if-match": "*" },
        ...(method === "PUT" && { body: { config_data: {} } }),
      });
      expect(answer, path).toMatchObject({ status: 404, body: { error: { code: "configuration_not_found" } } });
    }
  });
});

describe("decisions that depend, stay, or go", () => {
  test("a decision that does not apply is left out, and the answer says so", async () => {
    const { w, token, create } = await site();
    expect(await create({ web: { port: 80, domain: "example.org" } })).toMatchObject({
      status: 202,
      body: { data: { pruned: ["/web/domain"], version: { config_data: { web: { port: 80 } } } } },
    });
    await w.deliver();
    expect((await w.request("GET", "/config/1/files/greeting.txt", { token })).body).toBe("hello");
  });

  test("an immutable decision keeps its first value", async () => {
    const { w, token, create } = await site();
    await create({ web: { port: 80 }, id_once: "a" });
    const edit = (data: object) =>
      w.request("PUT", "/configurations/site", {
        token,
        headers: { "if-match": "*" },
        body: { config_data: { web: { port: 80 }, ...data } },
      });
    expect(await edit({ id_once: "b" })).toMatchObject({
      status: 409,
      body: { error: { code: "decision_immutable" } },
    });
    expect(await edit({})).toMatchObject({ status: 409 });
    expect((await edit({ id_once: "a", break_it: false })).status).toBe(202);
  });
});

test("pages of lists are stable and complete", async () => {
  const { w, token, slug } = await site();
  for (let n = 0; n < 7; n++)
    await w.request("POST", "/configurations", {
      token,
      body: { deployment_name: `s${n}`, pack: slug, config_data: { web: { port: n + 1 } } },
    });
  const names: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { configurations: { name: string }[]; next_cursor: string | null } = (
      await w.request<{ configurations: { name: string }[]; next_cursor: string | null }>(
        "GET",
        `/configurations?limit=3${cursor ? `&cursor=${cursor}` : ""}`,
        { token },
      )
    ).body.data;
    names.push(...page.configurations.map(({ name }) => name));
    cursor = page.next_cursor;
  } while (cursor !== null);
  expect(names).toEqual(["s0", "s1", "s2", "s3", "s4", "s5", "s6"]);
  expect((await w.request("GET", "/configurations?cursor=!!", { token })).status).toBe(400);
  expect((await w.request("GET", "/configurations?limit=0", { token })).status).toBe(400);
});

test("the body limit is exact", async () => {
  const { raw } = await site();
  const frame = '{"a":""}'.length;
  const of = (bytes: number) => raw(`{"a":"${"x".repeat(bytes - frame)}"}`);
  expect((await of(LIMITS.body_bytes_max.value)).status).toBe(400); // read, and refused for its shape
  expect((await of(LIMITS.body_bytes_max.value + 1)).status).toBe(413);
});

test("a worker without its secrets says which, and gives nothing else away", async () => {
  const api = createApi(depsFrom);
  const response = await api.request("/ready", {}, {
    ...env,
    LINK_SIGNING_KEY: undefined,
    TOKEN_SIGNING_KEYS: "[]",
  } as unknown as Env);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    error: { code: "not_configured", message: expect.stringMatching(/TOKEN_SIGNING_KEYS, LINK_SIGNING_KEY/) },
  });
});

test("a POST without any body is told what it lacks", async () => {
  const { w, token } = await site();
  const response = await w.api.request(
    "/configurations",
    { method: "POST", headers: { authorization: `Bearer ${token}` } },
    env,
  );
  expect(await response.json()).toMatchObject({ error: { code: "request_invalid" } });
});
