import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { checkDevices } from "#consumers/check-devices.ts";
import { toInstant } from "#core/runtime.ts";
import { userStore } from "#store/user-store.ts";
import { claimsOnly, codeOf, enrolled } from "./enrolled.ts";
import { tailnetOfOne } from "./tailnet-of.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

beforeEach(() => control("clearFaults"));

const revocations = async (tailnet: string) =>
  (
    await env.DB.prepare(
      `SELECT d.device_id, d.revoked_reason AS reason, (SELECT COUNT(*) FROM audit_log a WHERE a.workspace_id = d.user_uuid
         AND a.action = 'device.revoked' AND a.target = 'device:' || d.device_id) AS audited
       FROM devices d WHERE d.tailnet = ? ORDER BY d.device_id`,
    )
      .bind(tailnet)
      .all<{ device_id: string; reason: string | null; audited: number }>()
  ).results;

test("hourly: what the tailnet no longer vouches for is revoked with its reason, once; the rest goes on", async () => {
  const w = world();
  const tailnet = await tailnetOfOne(w);
  const hosts = ["laptop", "gone", "expired", "unauthorized", "tagged", "external", "given"];
  const tokens: Record<string, string> = {};
  for (const host of hosts) {
    await tailnet.putDevice(host);
    tokens[host] = (await claimsOnly(w, tailnet.claims(host))).body.data.token;
  }
  w.clock.advance(1);
  await tailnet.removeDevice("gone");
  await tailnet.putDevice("expired", { expires: "2020-01-01T00:00:00Z" });
  await tailnet.putDevice("unauthorized", { authorized: false });
  await tailnet.putDevice("tagged", { tags: ["tag:ci"] });
  await tailnet.putDevice("external", { isExternal: true });
  await tailnet.putDevice("given", { user: "somebody@example.com" });
  await control("resetRequests");
  await checkDevices(w.deps);
  await checkDevices(w.deps);
  const asked = await control<{ path: string }[]>("requests", { surface: "tailscale" });
  expect(asked.filter(({ path }) => path.endsWith("/devices"))).toHaveLength(2); // one list for each run
  expect(await revocations(tailnet.name)).toEqual(
    hosts
      .map((host) => ({
        device_id: tailnet.deviceId(host),
        reason: host === "laptop" ? null : host === "given" ? "owner_changed" : host,
        audited: host === "laptop" ? 0 : 1,
      }))
      .toSorted((a, b) => (a.device_id < b.device_id ? -1 : 1)),
  );
  for (const host of hosts)
    expect((await w.request("GET", "/auth/whoami", { token: tokens[host]! })).status, host).toBe(
      host === "laptop" ? 200 : 401,
    );

  await tailnet.putDevice("gone");
  expect((await claimsOnly(w, tailnet.claims("gone"))).status).toBe(200);
  expect((await w.request("GET", "/auth/whoami", { token: tokens["gone"]! })).status).toBe(401); // the old one stays dead
});

test("a user who is suspended loses every device", async () => {
  const w = world();
  const tailnet = await tailnetOfOne(w);
  const { token } = (await claimsOnly(w, tailnet.claims())).body.data;
  w.clock.advance(1);
  await control("putUser", { tailnet: tailnet.name, user: { id: tailnet.userId("erin"), status: "suspended" } });
  await checkDevices(w.deps);
  expect((await w.request("GET", "/auth/whoami", { token })).status).toBe(401);
});

test("a list that did not arrive whole revokes nothing, and another tailnet's is checked all the same", async () => {
  const w = world();
  const tailnet = await tailnetOfOne(w);
  const { token } = (await claimsOnly(w, tailnet.claims())).body.data;
  await tailnet.removeDevice("laptop");
  const other = world();
  const second = await tailnetOfOne(other);
  const theirs = (await claimsOnly(other, second.claims())).body.data.token;
  await second.removeDevice("laptop");
  w.deps.settings = {
    ...w.deps.settings,
    TAILSCALE_TAILNETS: { ...w.deps.settings.TAILSCALE_TAILNETS, ...other.deps.settings.TAILSCALE_TAILNETS },
  };
  w.clock.advance(2);
  for (const fault of [
    { status: 500 },
    { status: 403 },
    { reset: true },
    { status: 200, body: '{"devices":null}' },
    { cutBody: { bytes: 10, declare: "cut" } },
  ])
    for (const list of ["devices", "users"]) {
      await control("injectFault", { path: `${tailnet.name}/${list}`, surface: "tailscale", times: 1, ...fault });
      await checkDevices(w.deps);
      expect((await w.request("GET", "/auth/whoami", { token })).status, JSON.stringify({ fault, list })).toBe(200);
      await control("clearFaults");
    }
  expect((await other.request("GET", "/auth/whoami", { token: theirs })).status).toBe(401);
  await checkDevices(w.deps);
  expect((await w.request("GET", "/auth/whoami", { token })).status).toBe(401);
});

test("a device that signs in while the list is read is not revoked by it", async () => {
  const w = world();
  const tailnet = await tailnetOfOne(w);
  await claimsOnly(w, tailnet.claims());
  w.clock.advance(400);
  const { http } = w.deps;
  w.deps.http = async (input, init) => {
    const response = await http(input, init);
    if (!response.url.endsWith("/devices")) return response;
    w.deps.http = http;
    const text = (await response.text()).replaceAll(tailnet.deviceId("laptop"), "another");
    w.clock.advance(1);
    expect((await claimsOnly(w, tailnet.claims())).status).toBe(200);
    return new Response(text, { status: 200 });
  };
  await checkDevices(w.deps);
  expect((await revocations(tailnet.name))[0]).toMatchObject({ reason: null, audited: 0 });
});

test("an enrolled device that was gone for a while comes back by its key", async () => {
  const { w, tailnet, laptop, token } = await enrolled();
  w.clock.advance(1);
  await tailnet.putDevice("laptop", { authorized: false });
  await checkDevices(w.deps);
  expect(codeOf(await laptop.request("GET", "/auth/whoami", { token }))).toBe("invalid_token");
  await tailnet.putDevice("laptop", { authorized: true });
  w.clock.advance(301);
  expect((await laptop.signIn(tailnet.claims())).status).toBe(200);
});

test("250 devices of a tailnet are read in pages, and all that are gone are revoked", async () => {
  const w = world();
  const tailnet = await tailnetOfOne(w);
  const now = toInstant(w.clock.now());
  const people = Array.from({ length: 250 }, () => crypto.randomUUID());
  for (let start = 0; start < people.length; start += 25)
    await env.DB.batch(
      people.slice(start, start + 25).flatMap((user_uuid) =>
        userStore.signIn(env.DB, {
          user_uuid,
          tailscale_user_id: `u-${user_uuid}`,
          tailscale_email: `${user_uuid}@example.com`,
          tailnet: tailnet.name,
          display_name: null,
          device_id: `n-${user_uuid}`,
          device_hostname: "gone",
          cli_version: null,
          now,
        }),
      ),
    );
  w.clock.advance(1);
  await checkDevices(w.deps);
  const all = await revocations(tailnet.name);
  expect(all).toHaveLength(250);
  expect(all.every(({ reason, audited }) => reason === "gone" && audited === 1)).toBe(true);
});

test("what has expired is cleared away: proofs, requests and codes", async () => {
  const { w, tailnet, laptop, token } = await enrolled();
  await claimsOnly(w, tailnet.claims("server"));
  await laptop.request("POST", "/auth/tokens", { token, body: { scope: "user" } });
  const count = async () =>
    Promise.all(
      ["used_proofs", "device_requests"].map((table) =>
        env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table} WHERE expires_at < ?`)
          .bind(toInstant(w.clock.now()))
          .first("n"),
      ),
    );
  w.clock.advance(86_400);
  expect((await count()).every((n) => Number(n) > 0)).toBe(true);
  w.deps.settings = { ...w.deps.settings, TAILSCALE_TAILNETS: {} };
  await checkDevices(w.deps);
  expect(await count()).toEqual([0, 0]);
});
