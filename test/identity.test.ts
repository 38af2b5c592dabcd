import { env } from "cloudflare:workers";
import { SignJWT, importJWK } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { verifyClaims } from "#core/tailscale.ts";
import { userUuid } from "#core/identity.ts";
import { operations } from "./operations.ts";
import { tailnetOfOne } from "./tailnet-of.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

const ALICE = {
  user_id: "u123456789",
  login_name: "alice@github",
  device_id: "9876543201",
  device_hostname: "alice-laptop",
  tailnet: "example.ts.net",
};
type SignedIn = {
  token: string;
  token_type: string;
  expires_in: number;
  user_uuid: string;
  user: { tailscale_email: string; display_name: string };
};

/** The upstreams run on real time. */
const present = () => {
  const w = world();
  w.clock.at = new Date();
  return w;
};
const signIn = (w: ReturnType<typeof world>, tailscale: object) =>
  w.request<SignedIn>("POST", "/auth/cli", { body: { tailscale, cli_version: "0.1.0" } });
const users = async () => (await env.DB.prepare("SELECT COUNT(*) AS n FROM users").first<{ n: number }>())?.n;

beforeEach(() => control("clearFaults"));

describe("POST /auth/cli", () => {
  test("signs alice in, and stores what document 000 says in D1 and KV", async () => {
    const w = present();
    const answer = await signIn(w, ALICE);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        data: {
          token: expect.stringMatching(/^leg_ey/),
          token_type: "Bearer",
          expires_in: 2_592_000,
          user_uuid: userUuid("u123456789"),
          user: { tailscale_email: "alice@github", display_name: "Alice Smith" },
        },
      },
    });
    await w.settle();
    expect(await env.USERS.get(`user:${userUuid("u123456789")}`, "json")).toMatchObject({
      tailscale_user_id: "u123456789",
      last_device_hostname: "alice-laptop",
      metadata: { cli_version: "0.1.0", total_authentications: 1 },
    });
    expect(await w.request("GET", "/configurations", { token: answer.body.data.token })).toMatchObject({
      status: 200,
      body: { data: { configurations: [] } },
    });
  });

  test.each([
    ["own device with another user's id", { user_id: "u223456789" }, "account_not_linked"],
    ["a device of another tailnet", { device_id: "9876543211" }, "tailscale_verification_failed"],
    ["a device that does not exist", { device_id: "0" }, "tailscale_verification_failed"],
    ["another login", { login_name: "mallory@github" }, "tailscale_owner_mismatch"],
  ])("%s: refused, nothing stored", async (_, wrong, code) => {
    const w = present();
    const before = await users();
    expect(await signIn(w, { ...ALICE, ...wrong })).toMatchObject({ status: 401, body: { error: { code } } });
    expect(await users()).toBe(before);
    expect(await env.DB.prepare("SELECT 1 FROM users WHERE tailscale_user_id = 'u223456789'").first()).toBeNull();
  });

  test("ids alone prove nobody in a tailnet of several people, unless the operator says so", async () => {
    const bob = {
      user_id: "u223456789",
      login_name: "bob@example.com",
      device_id: "9876543211",
      device_hostname: "bob-laptop",
      tailnet: "team.ts.net",
    };
    const w = present();
    expect(await signIn(w, bob)).toMatchObject({ status: 403, body: { error: { code: "device_key_required" } } });
    const trusting = present();
    trusting.deps.settings = {
      ...w.deps.settings,
      TAILSCALE_TAILNETS: {
        "team.ts.net": { ...w.deps.settings.TAILSCALE_TAILNETS["team.ts.net"]!, trust_claims: true },
      },
    };
    expect((await signIn(trusting, bob)).status).toBe(200);
    for (const [change, code] of [
      [{ device_id: "9876543213" }, "tailscale_device_tagged"],
      [{ device_id: "9876543214" }, "tailscale_device_external"],
      [{ device_id: "9876543215" }, "tailscale_device_unauthorized"],
      [{ device_id: "9876543216" }, "tailscale_key_expired"],
      [{ user_id: "u323456789", login_name: "carol@example.com" }, "tailscale_owner_mismatch"],
      [{ user_id: "u999" }, "account_not_linked"],
    ] as const)
      expect(await signIn(trusting, { ...bob, ...change }), code).toMatchObject({
        status: 401,
        body: { error: { code, action: expect.stringMatching(/./) } },
      });
  });

  test("a tailnet that nobody configured, and a Tailscale that does not answer", async () => {
    const w = present();
    expect(await signIn(w, { ...ALICE, tailnet: "other.ts.net" })).toMatchObject({
      status: 403,
      body: { error: { code: "tailnet_not_configured" } },
    });
    expect(await signIn(w, { ...ALICE, tailnet: "__proto__" })).toMatchObject({ status: 403 });
    for (const fault of [{ status: 500 }, { status: 403 }, { reset: true }, { status: 200, body: "{}" }]) {
      await control("injectFault", { path: "/devices", surface: "tailscale", times: 1, ...fault });
      expect(await signIn(w, ALICE), JSON.stringify(fault)).toMatchObject({
        status: 503,
        body: { error: { code: "tailscale_unavailable" } },
      });
    }
    expect((await signIn(w, ALICE)).status).toBe(200);
  });

  test("a device without an owner, or a user who is suspended, is refused (shapes the seed does not have)", () => {
    const device = { id: ALICE.device_id, user: ALICE.login_name, authorized: true, expires: "2099-01-01T00:00:00Z" };
    const user = { id: ALICE.user_id, loginName: ALICE.login_name };
    const verify = (d: object, u: object) =>
      verifyClaims(ALICE, { devices: [{ ...device, ...d }], users: [{ ...user, ...u }] }, new Date("2026-01-01"));
    expect(verify({}, {})).toMatchObject({ ok: true, value: { deviceId: ALICE.device_id, isOnlyPerson: true } });
    for (const wrong of [
      { authorized: false },
      { isExternal: true },
      { tags: ["tag:x"] },
      { expires: "2025-01-01T00:00:00Z" },
      { user: undefined },
    ])
      expect(verify(wrong, {}).ok, JSON.stringify(wrong)).toBe(false);
    expect(verify({}, { status: "suspended" })).toEqual({ ok: false, error: "tailscale_user_suspended" });
    expect(verify({ expires: "2025-01-01T00:00:00Z", keyExpiryDisabled: true }, {}).ok).toBe(true);
    expect(verify({ expires: "0001-01-01T00:00:00Z" }, {}).ok).toBe(true);
  });

  test("what Tailscale confirmed is kept for five minutes at most; a refusal is asked about again", async () => {
    const w = present();
    const tailnet = await tailnetOfOne(w);
    expect((await signIn(w, tailnet.claims())).status).toBe(200);
    await control("injectFault", { path: tailnet.name, surface: "tailscale", times: null, status: 500 });
    w.clock.advance(299);
    expect((await signIn(w, tailnet.claims())).status).toBe(200);
    w.clock.advance(2);
    expect((await signIn(w, tailnet.claims())).status).toBe(503);
    await control("clearFaults");

    expect((await signIn(w, tailnet.claims("phone"))).status).toBe(401);
    await tailnet.putDevice("phone");
    expect((await signIn(w, tailnet.claims("phone"))).status).toBe(200);
  });

  test("a key of the tailnet that ends within the five minutes ends what was kept", async () => {
    const w = present();
    const tailnet = await tailnetOfOne(w);
    await tailnet.putDevice("laptop", { expires: new Date(w.clock.at.getTime() + 60_000).toISOString() });
    expect((await signIn(w, tailnet.claims())).status).toBe(200);
    w.clock.advance(61);
    expect(await signIn(w, tailnet.claims())).toMatchObject({ body: { error: { code: "tailscale_key_expired" } } });
  });

  test("an OAuth client: one token for its hour, a new one when it was withdrawn, a clear refusal when it is wrong", async () => {
    const w = present();
    const tailnet = await tailnetOfOne(w);
    const use = (client_id: string, client_secret: string) =>
      void (w.deps.settings = {
        ...w.deps.settings,
        TAILSCALE_TAILNETS: { [tailnet.name]: { oauth_client: { client_id, client_secret }, trust_claims: false } },
      });
    const asked = async () =>
      (await control<{ path: string }[]>("requests", { surface: "tailscale" })).filter(({ path }) =>
        path.includes("oauth"),
      ).length;
    await control("resetRequests");
    use(`client-${w.name}`, `secret-${w.name}`);
    expect((await signIn(w, tailnet.claims("laptop"))).status).toBe(200);
    expect((await signIn(w, tailnet.claims("server"))).status).toBe(200);
    const first = await asked();
    expect(first).toBeLessThanOrEqual(2); // devices and users are asked for at the same moment
    w.deps.caches.tailscaleTokens.set(tailnet.name, { token: "withdrawn", untilMs: Infinity });
    w.clock.advance(301);
    expect((await signIn(w, tailnet.claims("laptop"))).status).toBe(200);
    expect(await asked()).toBeGreaterThan(first);
    use("somebody", "else");
    w.deps.caches.tailscaleTokens.set(tailnet.name, { token: "", untilMs: 0 });
    w.clock.advance(301);
    expect(await signIn(w, tailnet.claims("laptop"))).toMatchObject({
      status: 503,
      body: { error: { code: "tailscale_unavailable" } },
    });
  });
});

describe("a token", () => {
  const ask = async (w: ReturnType<typeof world>, token: string | null) => {
    const { status, body } = await w.request("GET", "/configurations", token === null ? {} : { token });
    return { status, code: status === 200 ? null : body.error.code };
  };

  test("is refused when it is missing, tampered, unsigned, of another class or server, or expired", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    expect(await ask(w, token)).toEqual({ status: 200, code: null });
    expect(await ask(w, null)).toEqual({ status: 401, code: "token_missing" });

    const [header, payload, signature] = token.slice(4).split(".") as [string, string, string];
    const encode = (value: object) =>
      btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    const claims = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))) as Record<string, unknown>;
    const forged = {
      tampered: `leg_${header}.${encode({ ...claims, sub: crypto.randomUUID() })}.${signature}`,
      unsigned: `leg_${encode({ alg: "none", typ: "leger-access+jwt" })}.${payload}.`,
      "hmac with the public key": `leg_${encode({ alg: "HS256", typ: "leger-access+jwt" })}.${payload}.${signature}`,
      "without prefix": token.slice(4),
      empty: "leg_",
      garbage: "leg_a.b.c",
    };
    for (const [name, wrong] of Object.entries(forged))
      expect(await ask(w, wrong), name).toEqual({ status: 401, code: "invalid_token" });

    const {
      TOKEN_SIGNING_KEYS: [key],
      TOKEN_ISSUER: issuer,
    } = w.deps.settings;
    const sign = async (change: { typ?: string; iss?: string; aud?: string; exp?: number; without?: string }) => {
      const kept = Object.fromEntries(Object.entries(claims).filter(([name]) => name !== change.without));
      const jwt = new SignJWT({
        ...kept,
        sub: id,
        iss: change.iss ?? issuer,
        aud: change.aud ?? "leger-api",
        exp: change.exp ?? (claims["exp"] as number),
      });
      return `leg_${await jwt.setProtectedHeader({ alg: "EdDSA", kid: key!.kid, typ: change.typ ?? "leger-access+jwt" }).sign(await importJWK(key!, "EdDSA"))}`;
    };
    expect(await ask(w, await sign({}))).toEqual({ status: 200, code: null });
    for (const change of [
      { typ: "JWT" },
      { iss: "https://elsewhere.example" },
      { aud: "other" },
      { exp: 1 },
      { without: "jti" },
      { without: "scope" },
    ])
      expect(await ask(w, await sign(change)), JSON.stringify(change)).toEqual({ status: 401, code: "invalid_token" });

    w.clock.advance(30 * 24 * 3600 + 1);
    expect(await ask(w, token)).toEqual({ status: 401, code: "invalid_token" });
  });

  test("that is revoked fails on the next request; the account's others go on", async () => {
    const w = world();
    const one = await w.tenant(`${w.name}@example.com`, "laptop");
    const two = await w.tenant(`${w.name}@example.com`, "server");
    await env.DB.prepare(
      "UPDATE devices SET revoked_at = '2026-01-01T00:00:00.000Z' WHERE user_uuid = ? AND device_id = 'laptop'",
    )
      .bind(one.id)
      .run();
    expect(await ask(w, one.token)).toEqual({ status: 401, code: "invalid_token" });
    expect(await ask(w, two.token)).toEqual({ status: 200, code: null });
    expect((await w.request("GET", "/config/latest", { token: one.token })).status).toBe(401);
    await w.tenant(`${w.name}@example.com`, "laptop"); // signs in again: the old token stays dead
    expect(await ask(w, one.token)).toEqual({ status: 401, code: "invalid_token" });
  });

  test("opens its own workspace and no other; a team's by membership, a viewer may not write", async () => {
    const w = world();
    const [alice, bob] = [await w.tenant(`${w.name}-a@example.com`), await w.tenant(`${w.name}-b@example.com`)];
    const into = (workspace: string, token: string, method = "GET") =>
      w.request(method, "/configurations", {
        token,
        headers: { "x-leger-workspace": workspace },
        ...(method === "POST" && { body: { deployment_name: "x", config_data: {} } }),
      });
    expect((await into(bob.id, alice.token)).status).toBe(401);
    expect((await into("system", alice.token)).status).toBe(401);
    const team = crypto.randomUUID();
    const now = "2026-01-01T00:00:00.000Z";
    await env.DB.batch([
      env.DB.prepare("INSERT INTO workspaces (id, kind, name, created_at) VALUES (?, 'team', 'Team', ?)").bind(
        team,
        now,
      ),
      env.DB.prepare(
        "INSERT INTO memberships (workspace_id, user_uuid, role, created_at) VALUES (?, ?, 'viewer', ?)",
      ).bind(team, alice.id, now),
    ]);
    expect((await into(team, alice.token)).status).toBe(200);
    expect((await into(team, alice.token, "POST")).status).toBe(403);
    expect((await into(team, bob.token)).status).toBe(401);
  });
});

test("every route but the open ones needs a token, also one that does not exist", async () => {
  const w = world();
  const open: string[] = [];
  const answers: string[] = [];
  for (const { method, path, template, isOpen } of await operations(w)) {
    const { status } = await w.request(method, path, method === "GET" || method === "DELETE" ? {} : { body: {} });
    if (isOpen) open.push(template);
    else answers.push(`${status} ${method} ${template}`);
  }
  expect(answers.filter((answer) => !answer.startsWith("401"))).toEqual([]);
  expect(open.toSorted()).toEqual([
    "/.well-known/jwks.json",
    "/auth/cli",
    "/health",
    "/links/{workspace}/{version}/{file}",
    "/ready",
    "/webhooks/github",
  ]);
  expect((await w.request("GET", "/nowhere")).status).toBe(401);
});
