import { env } from "cloudflare:workers";
import { SignJWT, importJWK } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { verifyClaims } from "#core/tailscale.ts";
import { userUuid } from "#core/identity.ts";
import { operations } from "./operations.ts";
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
    ["own device with another user's id", { user_id: "u223456789" }],
    ["own device with another's id and login", { user_id: "u223456789", login_name: "bob@example.com" }],
    ["a device of another tailnet", { device_id: "9876543211" }],
    ["a device that does not exist", { device_id: "0" }],
    ["another login", { login_name: "mallory@github" }],
  ])("%s: refused, nothing stored", async (_, wrong) => {
    const w = present();
    const before = await users();
    expect(await signIn(w, { ...ALICE, ...wrong })).toMatchObject({
      status: 401,
      body: { error: { code: "tailscale_verification_failed", action: "Check Tailscale status: tailscale status" } },
    });
    expect(await users()).toBe(before);
    expect(await env.DB.prepare("SELECT 1 FROM users WHERE tailscale_user_id = 'u223456789'").first()).toBeNull();
  });

  test("ids alone prove nobody in a tailnet of several people", async () => {
    const bob = {
      user_id: "u223456789",
      login_name: "bob@example.com",
      device_id: "9876543211",
      device_hostname: "bob-laptop",
      tailnet: "team.ts.net",
    };
    const w = present();
    expect(await signIn(w, bob)).toMatchObject({ status: 403, body: { error: { code: "device_key_required" } } });
    const trusting = world({
      settings: {
        ...w.deps.settings,
        TAILSCALE_TAILNETS: {
          "team.ts.net": { ...w.deps.settings.TAILSCALE_TAILNETS["team.ts.net"]!, trust_claims: true },
        },
      },
    });
    trusting.clock.at = new Date();
    expect((await signIn(trusting, bob)).status).toBe(200);
    for (const [device_id, reason] of [
      ["9876543213", /tagged/i],
      ["9876543216", /expired/i],
    ] as const)
      expect(await signIn(trusting, { ...bob, device_id })).toMatchObject({
        status: 401,
        body: { error: { message: expect.stringMatching(reason) } },
      });
  });

  test("a tailnet that nobody configured, and a Tailscale that does not answer", async () => {
    const w = present();
    expect(await signIn(w, { ...ALICE, tailnet: "other.ts.net" })).toMatchObject({
      status: 403,
      body: { error: { code: "tailnet_not_configured" } },
    });
    expect(await signIn(w, { ...ALICE, tailnet: "__proto__" })).toMatchObject({ status: 403 });
    await control("injectFault", { path: "/devices", surface: "tailscale", times: 1, status: 500 });
    expect(await signIn(w, ALICE)).toMatchObject({ status: 503, body: { error: { code: "tailscale_unavailable" } } });
  });

  test("a device without an owner, or a user who is suspended, is refused (shapes the seed does not have)", () => {
    const device = { id: ALICE.device_id, user: ALICE.login_name, authorized: true, expires: "2099-01-01T00:00:00Z" };
    const user = { id: ALICE.user_id, loginName: ALICE.login_name };
    const verify = (d: object, u: object) =>
      verifyClaims(
        ALICE,
        { devices: [{ ...device, ...d }], users: [{ ...user, ...u }], trustClaims: false },
        new Date("2026-01-01"),
      );
    expect(verify({}, {}).ok).toBe(true);
    for (const wrong of [
      { authorized: false },
      { isExternal: true },
      { tags: ["tag:x"] },
      { expires: "2025-01-01T00:00:00Z" },
      { user: undefined },
    ])
      expect(verify(wrong, {}).ok, JSON.stringify(wrong)).toBe(false);
    expect(verify({}, { status: "suspended" }).ok).toBe(false);
    expect(verify({ expires: "2025-01-01T00:00:00Z", keyExpiryDisabled: true }, {}).ok).toBe(true);
    expect(verify({ expires: "0001-01-01T00:00:00Z" }, {}).ok).toBe(true);
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
  ]);
  expect((await w.request("GET", "/nowhere")).status).toBe(401);
});
