import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { RATE_LIMIT_NAMES } from "#core/rate-limits.ts";
import type { Deps } from "#deps.ts";
import { secretKey } from "#store/secret-copy.ts";
import { VALUES_KEPT } from "#store/secret-store.ts";
import { fixtureCases, fixturePack } from "./fixture-packs.ts";
import { type Answer, world } from "./world.ts";

type Stored = { name: string; version: number; updated_at: string; message: string };
type Value = { name: string; value: string; version: number; encoding: string; size_bytes: number };

/** A world whose limits of requests are out of the way, and one person in it. */
async function vault(overrides: Partial<Deps> = {}) {
  const w = world(overrides);
  w.deps.settings = {
    ...w.deps.settings,
    RATE_LIMITS: Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, 1_000_000])),
  };
  const { token, id } = await w.tenant();
  const set = (name: string, value: string, more: { headers?: Record<string, string>; encoding?: string } = {}) =>
    w.request<Stored>("POST", "/secrets/set", {
      token,
      ...(more.headers && { headers: more.headers }),
      body: { name, value, ...(more.encoding && { encoding: more.encoding }) },
    });
  const get = (name: string, query = "") => w.request<Value>("GET", `/secrets/get/${name}${query}`, { token });
  const remove = (name: string) =>
    w.request<{ name: string; deleted_at: string }>("DELETE", `/secrets/${name}`, { token });
  const describeIt = (name: string) => w.request<Record<string, unknown>>("GET", `/secrets/${name}`, { token });
  return { w, token, id, set, get, remove, describeIt };
}

const codeOf = ({ status, body }: Answer) => `${status} ${body.error?.code}`;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

describe("the existing client's calls", () => {
  test("list, set, get and delete answer every field that it reads, with its type", async () => {
    const { w, token, set, get, remove } = await vault();
    const created = await set("openai_api_key", "sk-1");
    expect(created.status).toBe(201);
    expect(created.body.data).toEqual({
      name: "openai_api_key",
      version: 1,
      updated_at: expect.stringMatching(RFC_3339),
      message: expect.stringMatching(/./),
    });
    w.clock.advance(60);
    const updated = await set("openai_api_key", "sk-2");
    expect(updated.status).toBe(200);
    expect(updated.body.data.version).toBe(2);
    const got = await get("openai_api_key");
    expect(got).toMatchObject({ status: 200, body: { data: { name: "openai_api_key", value: "sk-2", version: 2 } } });
    expect(got.headers.get("cache-control")).toBe("no-store");
    const listed = await w.request<{ secrets: Record<string, unknown>[]; total_count: number }>(
      "GET",
      "/secrets/list",
      {
        token,
      },
    );
    expect(listed.body.data.total_count).toBe(1);
    expect(listed.body.data.secrets[0]).toMatchObject({
      name: "openai_api_key",
      created_at: "2026-01-02T03:04:05.000Z",
      updated_at: "2026-01-02T03:05:05.000Z",
      version: 2,
    });
    expect((await remove("openai_api_key")).body.data).toMatchObject({
      name: "openai_api_key",
      deleted_at: expect.stringMatching(RFC_3339),
    });
    expect(codeOf(await get("openai_api_key"))).toBe("404 secret_not_found");
    expect(codeOf(await remove("openai_api_key"))).toBe("404 secret_not_found");
  });

  test("names and sizes that are refused, with the documented codes; nothing is stored", async () => {
    const { w, token, id, set, get, remove } = await vault();
    for (const name of ["", "my secret", "key@prod", "a".repeat(65), "ключ", "a/b", "a\n"])
      expect(codeOf(await set(name, "v")), JSON.stringify(name)).toBe("400 invalid_secret_name");
    expect(codeOf(await get("key@prod"))).toBe("400 invalid_secret_name");
    expect(codeOf(await remove("my%20secret"))).toBe("400 invalid_secret_name");
    expect(codeOf(await set("a", ""))).toBe("400 secret_value_empty");
    expect(codeOf(await set("a", "x".repeat(10_241)))).toBe("413 secret_value_too_large");
    expect(codeOf(await set("a", "é".repeat(5_121)))).toBe("413 secret_value_too_large");
    expect(codeOf(await set("a", "a b=", { encoding: "base64" }))).toBe("400 secret_value_not_base64");
    expect(codeOf(await w.request("POST", "/secrets/set", { token, body: { name: "a" } }))).toBe("400 request_invalid");
    expect(
      codeOf(await w.request("POST", "/secrets/set", { token, body: { name: "a", value: "b", valeu: "c" } })),
    ).toBe("400 request_invalid");
    const stored = await env.DB.prepare("SELECT COUNT(*) AS n FROM secrets WHERE workspace_id = ?").bind(id).first();
    expect(stored).toEqual({ n: 0 });
  });

  test("another person's secret looks like one that does not exist", async () => {
    const { w, set } = await vault();
    await set("mine", "v");
    const stranger = await w.tenant(`${w.name}-s@example.com`);
    for (const [method, path] of [
      ["GET", "/secrets/get/mine"],
      ["GET", "/secrets/mine"],
      ["DELETE", "/secrets/mine"],
      ["POST", "/secrets/mine/undelete"],
      ["POST", "/secrets/mine/purge"],
    ] as const)
      expect(
        codeOf(await w.request(method, path, { token: stranger.token, ...(method === "POST" && { body: {} }) })),
      ).toBe("404 secret_not_found");
  });
});

describe("values are exact", () => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

  test.each([
    ["1 byte", "x"],
    ["10,240 bytes", "x".repeat(10_240)],
    ["trailing newlines", "a\r\n\n\n"],
    ["only a newline", "\n"],
    ["a NUL and a byte order mark", "\uFEFFa\u0000b"],
    ["quotes and beyond", '"\\/\b\u2028🔑'],
  ])("%s", async (_what, value) => {
    const { set, get } = await vault();
    expect((await set("s", value)).status).toBe(201);
    const { data } = (await get("s")).body;
    expect(data.value).toBe(value);
    expect(data.size_bytes).toBe(new TextEncoder().encode(value).byteLength);
  });

  test("all 256 byte values go in and out as base64, and are not given out as text that they are not", async () => {
    const { set, get } = await vault();
    expect((await set("bytes", base64(everyByte), { encoding: "base64" })).status).toBe(201);
    expect(codeOf(await get("bytes"))).toBe("409 secret_is_binary");
    expect((await get("bytes", "?encoding=base64")).body.data).toMatchObject({
      value: base64(everyByte),
      encoding: "base64",
      size_bytes: 256,
    });
  });
});

describe("versions", () => {
  test("20 sets at once give 20 gapless versions, and the newest is what is read", async () => {
    const { id, set, get } = await vault();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => set("busy", `value-${n}`)));
    expect(answers.map(({ body }) => body.data?.version).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    const last = answers.findIndex(({ body }) => body.data.version === 20);
    expect((await get("busy")).body.data).toMatchObject({ value: `value-${last}`, version: 20 });
    const keys = await env.DB.prepare("SELECT purpose FROM data_keys WHERE workspace_id = ? ORDER BY purpose")
      .bind(id)
      .all();
    expect(keys.results).toEqual([{ purpose: "encrypt" }, { purpose: "fingerprint" }]);
    const audited = await env.DB.prepare(
      "SELECT COUNT(*) AS n FROM audit_log WHERE workspace_id = ? AND action = 'secret.set'",
    )
      .bind(id)
      .first();
    expect(audited).toEqual({ n: 20 });
  });

  test("older values stay readable for a while; of the rest only the facts are kept", async () => {
    const { set, get, describeIt } = await vault();
    const newest = VALUES_KEPT + 2;
    for (let n = 1; n <= newest; n++) await set("s", `v${n}`);
    expect((await get("s", `?version=${newest - 1}`)).body.data.value).toBe(`v${newest - 1}`);
    expect(codeOf(await get("s", "?version=1"))).toBe("404 secret_version_not_found");
    const { versions } = (await describeIt("s")).body.data as { versions: { version: number; is_kept: boolean }[] };
    expect(versions.filter(({ is_kept }) => is_kept).map(({ version }) => version)).toEqual(
      Array.from({ length: VALUES_KEPT }, (_, n) => newest - n),
    );
    expect(versions).toHaveLength(newest);
  });

  test("every read is counted and audited, and none is answered that is not", async () => {
    const { w, id, set, get, describeIt } = await vault();
    await set("s", "v");
    w.clock.advance(5);
    await get("s");
    await get("s");
    expect((await describeIt("s")).body.data).toMatchObject({
      access_count: 2,
      last_accessed: "2026-01-02T03:04:10.000Z",
      rotation_count: 0,
      last_rotated_at: null,
    });
    const reads = await env.DB.prepare(
      "SELECT target, payload FROM audit_log WHERE workspace_id = ? AND action = 'secret.read'",
    )
      .bind(id)
      .all();
    expect(reads.results).toEqual(
      Array.from({ length: 2 }, () => ({ target: "secret:s", payload: '{"device":"d1","version":1}' })),
    );
  });
});

describe("a deleted secret", () => {
  test("is restored with its value, until it is purged; numbers go on and never come back", async () => {
    const { w, token, id, set, get, remove, describeIt } = await vault();
    const post = (path: string) => w.request<Stored>("POST", path, { token, body: {} });
    await set("s", "v1");
    await set("s", "v2");
    expect(codeOf(await post("/secrets/s/undelete"))).toBe("409 secret_not_deleted");
    expect(codeOf(await post("/secrets/s/purge"))).toBe("409 secret_not_deleted");
    await remove("s");
    expect((await describeIt("s")).body.data).toMatchObject({ restorable_until: "2026-02-01T03:04:05.000Z" });
    expect((await post("/secrets/s/undelete")).status).toBe(200);
    expect((await get("s")).body.data).toMatchObject({ value: "v2", version: 2 });
    await remove("s");
    expect((await post("/secrets/s/purge")).status).toBe(200);
    expect(codeOf(await post("/secrets/s/undelete"))).toBe("410 secret_not_restorable");
    const left = await env.DB.prepare(
      "SELECT COUNT(*) AS n FROM secret_versions WHERE workspace_id = ? AND encrypted_value IS NOT NULL",
    )
      .bind(id)
      .first();
    expect(left).toEqual({ n: 0 });
    expect(await set("s", "v3")).toMatchObject({ status: 201, body: { data: { version: 3 } } });
  });

  test("is erased by the sweep when its window has passed", async () => {
    const { w, set, remove, ...v } = await vault();
    let { token } = v;
    await set("s", "v1");
    await remove("s");
    w.clock.advance(30 * 86_400 + 1);
    ({ token } = await w.tenant());
    expect(codeOf(await w.request("POST", "/secrets/s/undelete", { token, body: {} }))).toBe(
      "410 secret_not_restorable",
    );
    await w.sweep();
    expect((await w.request("GET", "/secrets/s", { token })).body.data).toMatchObject({
      purged_at: expect.stringMatching(RFC_3339),
    });
  });
});

describe("KV is a copy that nobody reads", () => {
  test("the record is document 000's, field by field, and a deletion removes it", async () => {
    const { w, id, set, get, remove } = await vault();
    await set("s", "v1");
    await set("s", "v2");
    await get("s");
    await w.settle();
    const record = await env.SECRETS.get<Record<string, unknown>>(secretKey(id, "s"), "json");
    expect(record).toEqual({
      secret_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      user_uuid: id,
      name: "s",
      encrypted_value: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
      nonce: expect.stringMatching(/^[A-Za-z0-9+/]{16}$/),
      auth_tag: expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/),
      encryption_version: 2,
      version: 2,
      created_at: expect.stringMatching(RFC_3339),
      updated_at: expect.stringMatching(RFC_3339),
      last_accessed: null,
      metadata: { size_bytes: 2, last_rotated_at: expect.stringMatching(RFC_3339), rotation_count: 1 },
    });
    await remove("s");
    await w.settle();
    expect(await env.SECRETS.get(secretKey(id, "s"))).toBeNull();
  });

  test("with KV stale, missing or failing, a get right after a set is the new value, and a deleted one stays deleted", async () => {
    const old = new Map<string, string>();
    const stale = {
      get: async (key: string) => old.get(key) ?? null,
      put: async (key: string, text: string) => {
        if (old.has(key)) throw new Error("KV: 429 Too Many Requests");
        old.set(key, text); // the first state, for ever
      },
      delete: async () => {
        throw new Error("KV is away");
      },
    } as unknown as KVNamespace;
    const { w, set, get, remove } = await vault({ secrets: stale });
    for (let n = 1; n <= 5; n++) {
      await set("s", `v${n}`);
      expect((await get("s")).body.data).toMatchObject({ value: `v${n}`, version: n });
    }
    await remove("s");
    await w.settle();
    expect(codeOf(await get("s"))).toBe("404 secret_not_found");
    await w.sweep();
    expect(codeOf(await get("s"))).toBe("404 secret_not_found");
    expect(w.lines.some(({ event }) => event === "cache.missed")).toBe(true);
  });

  test("what the writing behind lost, the sweep makes good", async () => {
    const { w, id, set } = await vault();
    w.deps.after = () => {};
    await set("s", "v1");
    expect(await env.SECRETS.get(secretKey(id, "s"))).toBeNull();
    await w.sweep();
    expect(await env.SECRETS.get(secretKey(id, "s"), "json")).toMatchObject({ version: 1 });
  });
});

describe("Idempotency-Key", () => {
  test("the same request is answered again and sets nothing; another value under the key is refused", async () => {
    const { set } = await vault();
    const headers = { "idempotency-key": "k" };
    const answers = await Promise.all([set("s", "1234", { headers }), set("s", "1234", { headers })]);
    answers.push(await set("s", "1234", { headers }));
    expect(answers.map(({ body }) => body.data.version)).toEqual([1, 1, 1]);
    expect(codeOf(await set("s", "1235", { headers }))).toBe("422 idempotency_key_reused");
  });

  test("no stored digest of a four-digit PIN can be guessed", async () => {
    const { id, set } = await vault();
    await set("pin", "4711", { headers: { "idempotency-key": "k" } });
    const row = await env.DB.prepare("SELECT fingerprint FROM idempotency_keys WHERE principal = ?")
      .bind(`user:${id}`)
      .first<{ fingerprint: string }>();
    const hex = async (text: string) =>
      [...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)))]
        .map((byte) => byte.toString(16).padStart(2, "0"))
        .join("");
    const shapes = (pin: string) => [
      pin,
      JSON.stringify([id, "pin", btoa(pin)]),
      JSON.stringify({ name: "pin", value: pin }),
      JSON.stringify({ encoding: "utf8", name: "pin", value: pin }),
    ];
    for (const shape of shapes("4711")) expect(await hex(shape)).not.toBe(row?.fingerprint);
    expect(row?.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("generated values", () => {
  const generate = (v: Awaited<ReturnType<typeof vault>>, body: object, headers: Record<string, string> = {}) =>
    v.w.request<Stored & { value: string | null; is_replay: boolean }>("POST", "/secrets/generate", {
      token: v.token,
      body,
      headers,
    });

  test("are made here, shown only on request, and never a second time", async () => {
    const v = await vault();
    expect((await generate(v, { name: "a" })).body.data.value).toBeNull();
    expect((await v.get("a")).body.data.value).toMatch(/^[0-9a-f]{64}$/);
    expect(codeOf(await generate(v, { name: "a" }))).toBe("409 secret_exists");
    expect((await generate(v, { name: "a", replace: true })).body.data.version).toBe(2);
    const how = { name: "b", show: true, generate: { kind: "alphanumeric", bytes: 24, prefix: "sk-" } };
    const shown = await generate(v, how, { "idempotency-key": "k" });
    expect(shown.status).toBe(201);
    expect(shown.body.data.value).toMatch(/^sk-[A-Za-z0-9]{24}$/);
    expect((await v.get("b")).body.data.value).toBe(shown.body.data.value);
    const again = await generate(v, how, { "idempotency-key": "k" });
    expect(again.body.data).toMatchObject({ value: null, is_replay: true, version: 1 });
    expect(again.body.data.message).toMatch(/answered before/);
  });

  test("as the schema says; and the configuration lists what it lacks, what is stale, and what requires a secret", async () => {
    const v = await vault();
    const { slug } = await v.w.admit(fixturePack("v1.1.0"), "v1.1.0");
    const [first] = fixtureCases("v1.1.0").filter(({ text }) => text.includes("litellm"));
    const body = {
      deployment_name: "site",
      pack: slug,
      config_data: JSON.parse(first!.text) as object,
      allow_deprecated: true,
    };
    await v.w.request("POST", "/configurations", { token: v.token, body });
    await v.w.deliver();
    type Need = { name: string; can_generate: boolean; decision: string | null };
    type Needs = { version: number; missing: Need[]; stale: Need[]; present: Need[] };
    const needs = async () =>
      (await v.w.request<Needs>("GET", "/configurations/site/secrets", { token: v.token })).body.data;
    const before = await needs();
    expect(before.version).toBe(1);
    expect(before.present).toEqual([]);
    const master = before.missing.find(({ name }) => name === "litellm_master_key");
    expect(master).toMatchObject({ can_generate: true, decision: expect.stringMatching(/^\//) });
    await generate(v, { name: "litellm_master_key" });
    expect((await v.get("litellm_master_key")).body.data.value).toMatch(/^sk-[0-9a-f]{48}$/);
    expect((await needs()).present.map(({ name }) => name)).toEqual(["litellm_master_key"]);
    v.w.clock.advance(180 * 86_400);
    const { token } = await v.w.tenant();
    const later = await v.w.request<Needs>("GET", "/configurations/site/secrets", { token });
    expect(later.body.data.stale.map(({ name }) => name)).toEqual(["litellm_master_key"]);
    expect((await v.w.request("GET", "/secrets/litellm_master_key", { token })).body.data).toMatchObject({
      is_stale: true,
      rotation_days: 180,
      required_by: [{ name: "site", namespace: "/", version: 1, is_required: true }],
    });
  });
});
