// OWASP API4:2023, unrestricted resource consumption. Sizes are head.test.ts and limits.test.ts, requests in time are
// rate-limits.test.ts; here is what multiplies one request.
import { expect, test } from "vitest";
import { RATE_LIMITS } from "#core/rate-limits.ts";
import { operations } from "../operations.ts";
import { SMALL_PACK } from "../fixture-packs.ts";
import { world } from "../world.ts";

test("no list gives out more than a page, whatever is asked", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { paths } = (await w.request<never>("GET", "/openapi.json")).body as unknown as {
    paths: Record<string, Record<string, { parameters?: { name: string }[] }>>;
  };
  const paged = (await operations(w)).filter(
    ({ template, method }) =>
      method === "GET" && paths[template]?.["get"]?.parameters?.some(({ name }) => name === "limit"),
  );
  expect(paged.length).toBeGreaterThan(3);
  for (const { path, name } of paged)
    for (const limit of ["101", "1000000", "-1", "0", "1e9", "NaN", "1.5"])
      expect((await w.request("GET", `${path}?limit=${limit}`, { token })).status, `${name} ${limit}`).toBe(400);
});

test("what is refused by its limit costs one read: nothing is validated, rendered, stored or sent", async () => {
  const w = world();
  w.deps.settings = { ...w.deps.settings, RATE_LIMITS: { saves: 1, previews: 0 } };
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const body = { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } };
  expect((await w.request("POST", "/configurations", { token, body })).status).toBe(202);
  const sent = w.sent.length;
  expect((await w.request("POST", "/configurations", { token, body: { ...body, config_data: {} } })).status).toBe(429);
  expect((await w.request("POST", "/configurations/site/preview", { token, body: { config_data: {} } })).status).toBe(
    429,
  );
  expect(w.sent.length).toBe(sent);
});

test("many at once in one connection's worth of headers, keys and depth stay cheap", async () => {
  const w = world();
  const { token } = await w.tenant();
  const bombs = [
    `{"config_data":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`,
    `[${"[],".repeat(200_000)}[]]`,
    `{"a":"${"\\u0000".repeat(100_000)}"}`,
    `{"a":${"9".repeat(200_000)}}`,
    `{"a":1e${"9".repeat(1000)}}`,
  ];
  for (const body of bombs) {
    const { status } = await w.request("POST", "/configurations", { token, body });
    expect([400, 413], body.slice(0, 20)).toContain(status);
  }
});

test("every limit is finite, and none lets one holder ask more than ten times a second for an hour", () => {
  for (const [name, { max, seconds }] of Object.entries(RATE_LIMITS)) {
    expect(max, name).toBeGreaterThan(0);
    expect(max / seconds, name).toBeLessThan(10);
  }
});
