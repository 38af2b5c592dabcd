import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY_BYTES } from "#core/envelope.ts";
import { RATE_LIMIT_NAMES } from "#core/rate-limits.ts";
import { Secret } from "#core/secret.ts";
import { fixtureCases, fixturePack } from "./fixture-packs.ts";
import { type Answer, SECRETS_SENT, world } from "./world.ts";

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** Every text by which a value could be found again: itself, encoded at any offset, and its digests. */
async function shapesOf(value: string): Promise<string[]> {
  const bytes = new TextEncoder().encode(value);
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const shifted = [0, 1, 2].map((shift) =>
    base64(new Uint8Array([...new Uint8Array(shift), ...bytes]))
      .slice(shift === 0 ? 0 : 4)
      .slice(0, -4),
  );
  const urlSafe = shifted.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [
    value,
    value.slice(0, 10), // a parser's excerpt
    encodeURIComponent(value),
    ...shifted,
    ...urlSafe,
    hex(bytes),
    hex(bytes).toUpperCase(),
    hex(sha256),
    hex(sha256).toUpperCase(),
    base64(sha256).slice(0, -1),
  ];
}

/** Everything that is stored anywhere, as one text for each place. */
async function everythingStored(): Promise<Map<string, string>> {
  const places = new Map<string, string>();
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%' AND name NOT LIKE 'sqlite_%'",
  ).all<{ name: string }>();
  for (const { name } of tables.results) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${name}`).all();
    places.set(`D1 ${name}`, JSON.stringify(results));
  }
  for (const [name, namespace] of Object.entries({
    users: env.USERS,
    manifests: env.MANIFESTS,
    secrets: env.SECRETS,
  })) {
    let cursor: string | undefined;
    do {
      const page: KVNamespaceListResult<unknown> = await namespace.list(cursor === undefined ? {} : { cursor });
      for (const { name: key, metadata } of page.keys)
        places.set(`KV ${name} ${key}`, `${JSON.stringify(metadata)}${await namespace.get(key)}`);
      cursor = page.list_complete ? undefined : page.cursor;
    } while (cursor !== undefined);
  }
  for (const [name, bucket] of Object.entries({ quadlets: env.QUADLETS, backups: env.BACKUPS })) {
    let cursor: string | undefined;
    do {
      const page: R2Objects = await bucket.list(cursor === undefined ? {} : { cursor });
      for (const { key } of page.objects) {
        const object = await bucket.get(key);
        places.set(`R2 ${name} ${key}`, `${JSON.stringify(object?.customMetadata)}${await object?.text()}`);
      }
      cursor = page.truncated ? page.cursor : undefined;
    } while (cursor !== undefined);
  }
  return places;
}

test("a canary is in no store, no log line, no error and no answer but the one that gives it out", async () => {
  const w = world();
  const canary = `canary!${crypto.randomUUID()}/${w.name}`;
  const next = `second!${crypto.randomUUID()}`;
  const [ownKey] = w.deps.settings.SECRET_KEY_RING;
  w.deps.settings = {
    ...w.deps.settings,
    RATE_LIMITS: Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, 1_000_000])),
    OPERATOR_LOGINS: [`${w.name}@example.com`],
  };
  const { token, id } = await w.tenant();
  const answers: string[] = [];
  const call = async (
    method: string,
    path: string,
    options: { body?: unknown; headers?: Record<string, string> } = {},
  ) => {
    const answer = await w.request<Record<string, unknown>>(method, path, { token, ...options });
    answers.push(JSON.stringify([answer.status, answer.body, [...answer.headers]]));
    return answer as Answer<Record<string, unknown>>;
  };
  const read = async (name: string) =>
    (await w.request<{ value: string }>("GET", `/secrets/get/${name}`, { token })).body.data?.value;

  // set, replace, replay, generate; with every kind of refusal of a body that holds it
  const headers = { "idempotency-key": "once" };
  expect(
    (await call("POST", "/secrets/set", { headers, body: { name: "openai_api_key", value: canary } })).status,
  ).toBe(201);
  await call("POST", "/secrets/set", { headers, body: { name: "openai_api_key", value: canary } });
  await call("POST", "/secrets/set", { headers, body: { name: "openai_api_key", value: next } });
  await call("POST", "/secrets/set", { body: { name: "openai_api_key", value: next } });
  await call("POST", "/secrets/set", { body: { name: "openai_api_key", value: canary } });
  for (const body of [
    { name: canary, value: "x" },
    { name: "a", value: canary.repeat(400) },
    { name: "a", value: canary, encoding: "base64" },
    { name: "a", value: "x", encoding: canary },
    { name: "a", value: { nested: canary } },
    { name: "a", valeu: canary },
    [canary],
    `{"name":"a","value":"${canary}"`,
    `{"name":"a","value":"${canary}`,
    `{"name":"a","value":"${canary}" ${canary}`,
    `${canary}`,
    `{"name":"a","value":"${canary}","value_too":9007199254740993}`,
  ])
    expect((await call("POST", "/secrets/set", { body })).status, JSON.stringify(body)).toBeGreaterThanOrEqual(400);
  expect(await read("openai_api_key")).toBe(canary);

  // facts, a render that needs it, a literal in the place of a reference, previews, diffs, history, exports
  for (const path of ["/secrets/list", "/secrets/openai_api_key"]) await call("GET", path);
  const { slug } = await w.admit(fixturePack("v1.1.0"), "v1.1.0");
  const [first] = fixtureCases("v1.1.0");
  const config_data = JSON.parse(first!.text) as Record<string, Record<string, unknown>>;
  const save = { deployment_name: "site", pack: slug, config_data, allow_deprecated: true };
  expect((await call("POST", "/configurations", { body: save })).status).toBe(202);
  await w.deliver();
  const withLiteral = { ...config_data, models: { ...config_data["models"], openai_api_key: canary } };
  for (const [method, path] of [
    ["PUT", "/configurations/site"],
    ["POST", "/configurations/site/preview"],
  ] as const)
    expect(
      (await call(method, path, { body: { config_data: withLiteral }, headers: { "if-match": "*" } })).status,
    ).toBeGreaterThanOrEqual(400);
  for (const path of [
    "/configurations/site",
    "/configurations/site/secrets",
    "/configurations/site/versions",
    "/renders/1",
    "/config/1",
    "/config/latest",
    "/config/1/quadlets",
    "/audit",
    "/audit/export",
    "/export",
  ])
    await call("GET", path);

  // both rotations, deletion, restoring, purging, and the sweep that writes seals to the backups
  const ringKey = { kid: `canary-${w.name}`, key: new Secret(crypto.getRandomValues(new Uint8Array(KEY_BYTES))) };
  await call("POST", "/operations/key-rotations", { body: { kind: "reencrypt", workspace_id: id } });
  await w.sweep();
  await w.settle();
  await w.sweep();
  await call("GET", "/operations/key-rotations");
  expect(await read("openai_api_key")).toBe(canary);
  await call("DELETE", "/secrets/openai_api_key");
  await call("GET", "/secrets/get/openai_api_key");
  await call("POST", "/secrets/openai_api_key/undelete", { body: {} });
  w.deps.settings = { ...w.deps.settings, SECRET_KEY_RING: [ringKey] };
  expect((await call("GET", "/secrets/get/openai_api_key")).body.error?.code).toBe("secret_unreadable");
  w.deps.settings = { ...w.deps.settings, SECRET_KEY_RING: [ownKey!] };
  const broken = new Proxy(env.DB, {
    get: (target, name) =>
      name === "batch"
        ? () => Promise.reject(new Error("D1_ERROR: Network connection lost"))
        : (Reflect.get(target, name, target) as unknown),
  });
  const w2 = world({ ...w.deps, db: broken, log: w.deps.log });
  for (const body of [{ name: "openai_api_key", value: canary }])
    answers.push(JSON.stringify((await w2.request("POST", "/secrets/set", { token, body })).body));
  await call("DELETE", "/secrets/openai_api_key");
  await w.settle();
  const stored = await everythingStored();
  await call("POST", "/secrets/openai_api_key/purge", { body: {} });
  await w.sweep();

  const places = new Map([
    ...stored,
    ...[...(await everythingStored())].map(([place, text]) => [`${place} (later)`, text] as const),
    ["log", JSON.stringify(w.lines)] as const,
    ...answers.map((text, n) => [`answer ${n}`, text] as const),
  ]);
  const found: string[] = [];
  for (const value of [canary, next])
    for (const shape of await shapesOf(value))
      for (const [place, text] of places) if (text.includes(shape)) found.push(`${place}: ${shape}`);
  expect(found).toEqual([]);
  expect(stored.size).toBeGreaterThan(20);
  expect(w.lines.length).toBeGreaterThan(30);
  // the search itself can find: what it looks through holds the name
  expect([...places].filter(([, text]) => text.includes("openai_api_key")).length).toBeGreaterThan(10);
});

test("after everything else has run, no value that any test has set is stored in the clear, encoded or digested", async () => {
  const stored = [...(await everythingStored())];
  const found: string[] = [];
  for (const value of SECRETS_SENT)
    for (const shape of (await shapesOf(value)).filter((text) => text.length >= 12))
      for (const [place, text] of stored) if (text.includes(shape)) found.push(`${shape.slice(0, 40)} in ${place}`);
  console.log(JSON.stringify({ secrets_looked_for: SECRETS_SENT.size, places: stored.length }));
  expect(SECRETS_SENT.size).toBeGreaterThan(0);
  expect(found).toEqual([]);
});
