// OWASP API8:2023, security misconfiguration. Headers and other origins are head.test.ts; here answers must not tell how
// the server is made.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createApi } from "#api/app.ts";
import { depsFrom } from "#deps.ts";
import { operations } from "../operations.ts";
import { world } from "../world.ts";

const INSIDES =
  /SQLITE|D1_ERROR|no such (?:table|column)|SELECT .* FROM|\.ts:\d|at \w+ \(|node_modules|stack|workerd|TypeError/i;

test("hostile values in every parameter, query and body are refused in our own words", async () => {
  const w = world();
  const { token } = await w.tenant();
  const hostile = [
    "'",
    '" OR 1=1 --',
    "%00",
    "%ff%fe",
    "../../../etc/passwd",
    "${7*7}{{7*7}}",
    "<script>alert(1)</script>",
    "\u202e",
    "a".repeat(1000),
  ];
  const wrong: string[] = [];
  for (const { name, method, template } of await operations(w))
    for (const value of hostile) {
      const spelled = value.startsWith("%") ? value : encodeURIComponent(value);
      const answer = await w.request(
        method,
        `${template.replaceAll(/\{\w+\}/g, spelled)}?namespace=${spelled}&cursor=${spelled}`,
        {
          token,
          headers: { "if-match": "*" },
          ...(method !== "GET" && method !== "DELETE" && { body: { name: value, deployment_name: value, value } }),
        },
      );
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      const isUnset = answer.status === 503 && text.includes('"webhook_not_configured"');
      if ((answer.status >= 500 && !isUnset) || INSIDES.test(text))
        wrong.push(`${name} ${value.slice(0, 12)}: ${answer.status} ${text.slice(0, 200)}`);
    }
  expect(wrong).toEqual([]);
});

test("a worker that lacks settings names them and never their values; a database that fails is no more than unavailable", async () => {
  const api = createApi(depsFrom);
  const bare = { ...env, LINK_SIGNING_KEY: "too-short-and-secret" } as unknown as Env;
  const text = await (await api.request("/configurations", {}, bare)).text();
  expect(text).toContain("LINK_SIGNING_KEY");
  expect(text).not.toContain("too-short-and-secret");

  const w = world();
  const { token } = await w.tenant();
  w.deps.db = {
    prepare: env.DB.prepare.bind(env.DB),
    batch: () => Promise.reject(new Error("D1_ERROR: no such column: secret_column at offset 7")),
  } as unknown as D1Database;
  const failed = await w.request("GET", "/configurations", { token });
  expect(failed).toMatchObject({ status: 503, body: { error: { code: "storage_unavailable" } } });
  expect(JSON.stringify(failed.body)).not.toMatch(INSIDES);
});

test("the settings of production, staging and preview trust no claims, other origins or upstreams over plain HTTP", async () => {
  const toml = Object.values(
    import.meta.glob<string>("../../wrangler.toml", { query: "?raw", import: "default", eager: true }),
  )[0]!;
  for (const name of ["production", "staging", "preview"]) {
    const [, section = ""] = new RegExp(`\\[env\\.${name}\\.vars\\]\\n([^[]*)`).exec(toml) ?? [];
    expect(section, name).toContain(`ENVIRONMENT = "${name}"`);
    expect(section, name).not.toMatch(/http:\/\/|CORS_ORIGINS = "\*|trust_claims|127\.0\.0\.1|SIGNING_KEY|tskey-/);
  }
});
