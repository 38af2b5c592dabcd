import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { createApi } from "#api/app.ts";
import { LIMITS } from "#core/limits.ts";
import { depsFrom } from "#deps.ts";
import { operations } from "./operations.ts";
import { world } from "./world.ts";

/** Bodies that are no JSON, read as a stream under bounds of their own: upload.test.ts and the webhook's tests send those too much. */
const STREAMED = new Set(["uploadConfiguration", "previewUpload", "githubWebhook", "previewSchema"]);

const OURS = "https://app.example.org";

describe("every answer of every route", () => {
  const SECURITY: Record<string, RegExp> = {
    "x-content-type-options": /^nosniff$/,
    "referrer-policy": /^no-referrer$/,
    "x-frame-options": /^DENY$/,
    "permissions-policy": /camera=\(\)/,
    "content-security-policy": /^default-src 'none'.*frame-ancestors 'none'/,
    "cross-origin-resource-policy": /^same-origin$/,
    "cache-control": /./,
    "x-request-id": /./,
  };
  const missing = (headers: Headers) =>
    Object.entries(SECURITY).flatMap(([name, value]) => (value.test(headers.get(name) ?? "") ? [] : [name]));

  test("carries the security headers, with a token and without, refused and served", async () => {
    const w = world();
    const { token } = await w.tenant();
    const wrong: string[] = [];
    const see = (what: string, headers: Headers) => {
      for (const name of missing(headers)) wrong.push(`${what}: ${name}`);
      if (headers.has("access-control-allow-origin")) wrong.push(`${what}: open to other origins`);
      if (headers.has("set-cookie")) wrong.push(`${what}: sets a cookie`);
    };
    for (const { method, path, name } of await operations(w)) {
      const body = method === "GET" || method === "DELETE" ? {} : { body: {} };
      const headers = { origin: OURS };
      see(`${name} anonymous`, (await w.request(method, path, { ...body, headers })).headers);
      see(name, (await w.request(method, path, { token, ...body, headers })).headers);
    }
    for (const path of ["/docs", "/docs/start.js", "/docs/swagger-ui.css", "/openapi.json", "/nowhere"])
      see(path, (await w.request("GET", path, { token })).headers);
    expect(wrong).toEqual([]);
  });

  test("also of a worker without settings; with TLS asked for outside this machine", async () => {
    const api = createApi(depsFrom);
    const bare = { ...env, TOKEN_SIGNING_KEYS: undefined, ENVIRONMENT: "production" } as unknown as Env;
    const answer = await api.request("/configurations", {}, bare);
    expect(answer.status).toBe(503);
    expect(missing(answer.headers)).toEqual([]);
    expect(answer.headers.get("strict-transport-security")).toBe("max-age=63072000; includeSubDomains");
    expect((await world().request("GET", "/health")).headers.has("strict-transport-security")).toBe(false);
  });

  test("the reference page keeps its own policy: scripts of this origin only, and no inline one", async () => {
    const page = await world().request("GET", "/docs");
    expect(page.headers.get("content-security-policy")).toMatch(/script-src 'self';/);
    expect(page.body as unknown as string).not.toMatch(/<script>(?!<)|onclick=|javascript:/);
  });
});

describe("every route bounds what it is sent", () => {
  test("body, depth, keys, address and headers; with its own code, and never a 5xx", async () => {
    const w = world();
    const { token } = await w.tenant();
    const tooMany = JSON.stringify(Array.from({ length: LIMITS.body_keys_max.value + 1 }, () => 1));
    const cases: [string, { status: number[]; body?: string; headers?: Record<string, string>; query?: string }][] = [
      ["2 MB", { status: [413], body: `{"x":"${"x".repeat(2_000_000)}"}` }],
      ["depth 100,000", { status: [400], body: "[".repeat(100_000) + "]".repeat(100_000) }],
      ["10,001 entries", { status: [400], body: tooMany }],
      ["no JSON", { status: [400], body: "{" }],
      ["another type", { status: [415, 400], body: "a=b", headers: { "content-type": "text/plain" } }],
      ["5,000 characters of query", { status: [414], query: "x".repeat(5000) }],
      [
        "200 headers",
        { status: [431], headers: Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, "x"])) },
      ],
      ["20 KB in one header", { status: [431], headers: { "x-long": "x".repeat(20_000) } }],
    ];
    const wrong: string[] = [];
    for (const { name, method, path } of await operations(w))
      for (const [what, { status, body, headers, query }] of cases) {
        if (body !== undefined && (method === "GET" || method === "DELETE" || STREAMED.has(name))) continue;
        const answer = await w.request(method, query ? `${path}?q=${query}` : path, {
          token,
          ...(body !== undefined && { body }),
          ...(headers && { headers }),
        });
        if (!status.includes(answer.status)) wrong.push(`${name}, ${what}: ${answer.status}`);
      }
    expect(wrong).toEqual([]);
  });
});

describe("other origins", () => {
  const preflight = (w: ReturnType<typeof world>, origin: string) =>
    w.request("OPTIONS", "/configurations", {
      headers: { origin, "access-control-request-method": "PUT", "access-control-request-headers": "authorization" },
    });

  test("may do nothing until their exact origin is named", async () => {
    const w = world();
    expect(await preflight(w, OURS)).toMatchObject({ status: 403, body: { error: { code: "origin_not_allowed" } } });
    w.deps.settings = { ...w.deps.settings, CORS_ORIGINS: [OURS] };
    const allowed = await preflight(w, OURS);
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(OURS);
    expect(allowed.headers.get("access-control-allow-headers")).toMatch(/authorization/);
    expect(allowed.headers.has("access-control-allow-credentials")).toBe(false);
    expect(allowed.headers.get("vary")).toMatch(/Origin/);
    for (const origin of ["https://app.example.org.evil.example", "http://app.example.org", "null", "*", `${OURS}/`])
      expect((await preflight(w, origin)).status, origin).toBe(403);
    const { token } = await w.tenant();
    const read = await w.request("GET", "/configurations", { token, headers: { origin: OURS } });
    expect(read.headers.get("access-control-allow-origin")).toBe(OURS);
    expect(read.headers.get("access-control-expose-headers")).toMatch(/etag/);
    const refused = await w.request("GET", "/configurations", { headers: { origin: OURS } });
    expect(refused.status).toBe(401); // and the page may read why
    expect(refused.headers.get("access-control-allow-origin")).toBe(OURS);
    const stranger = await w.request("GET", "/configurations", { token, headers: { origin: "https://evil.example" } });
    expect(stranger.headers.has("access-control-allow-origin")).toBe(false);
  });
});
