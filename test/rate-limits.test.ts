import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { takeLimit } from "#actions/limit-statements.ts";
import { ROUTE_LIMITS } from "#api/route-limits.ts";
import { AppError } from "#core/errors.ts";
import { RATE_LIMITS, addressHolder } from "#core/rate-limits.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { operations } from "./operations.ts";
import { control } from "./upstream-control.ts";
import { type Answer, world } from "./world.ts";

type World = ReturnType<typeof world>;
const withLimits = (limits: Partial<Record<keyof typeof RATE_LIMITS, number>>, more: Partial<World["deps"]> = {}) => {
  const w = world(more);
  w.deps.settings = { ...w.deps.settings, RATE_LIMITS: limits };
  return w;
};
const rows = async (holder: string) =>
  (
    await env.DB.prepare("SELECT name, slots, grant_id FROM rate_limits WHERE holder = ? ORDER BY name")
      .bind(holder)
      .all<{ name: string; slots: string; grant_id: string }>()
  ).results;
const tally = (answers: Answer[]) =>
  Object.fromEntries([...Map.groupBy(answers, ({ status }) => status)].map(([status, all]) => [status, all.length]));

describe("a limit is exact", () => {
  test("of 1,000 requests at once against a limit of 100, exactly 100 are served", async () => {
    const w = withLimits({ saves: 100 });
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, n) =>
        w.request("POST", "/configurations", {
          token,
          body: { deployment_name: `s${n}`, pack: slug, config_data: { web: { port: 80 } } },
        }),
      ),
    );
    expect(tally(answers)).toEqual({ 202: 100, 429: 900 });
    const saved = await env.DB.prepare("SELECT COUNT(*) AS n FROM configuration_versions WHERE workspace_id = ?")
      .bind(id)
      .first("n");
    expect(saved).toBe(100);
    const remaining = answers
      .filter(({ status }) => status === 202)
      .map(({ headers }) => headers.get("ratelimit-remaining"));
    expect(new Set(remaining).size).toBe(100); // each of them saw another number
  });

  test("what was refused writes nothing, and says when to come back and what is left", async () => {
    const w = withLimits({ links: 2 });
    const { token, id } = await w.tenant();
    const ask = () => w.request("POST", "/config/1/links", { token });
    const first = await ask();
    expect(Object.fromEntries([...first.headers].filter(([name]) => name.startsWith("ratelimit")))).toEqual({
      "ratelimit-limit": "2",
      "ratelimit-remaining": "1",
      "ratelimit-reset": expect.stringMatching(/^3[6-9]\d\d$/),
      "ratelimit-policy": '2;w=3600;name="links"',
    });
    await ask();
    const before = await rows(`user:${id}`);
    w.clock.advance(1200);
    const refused = await ask();
    expect(refused).toMatchObject({
      status: 429,
      body: {
        error: {
          code: "rate_limit_exceeded",
          message: "At most 2 in an hour: sets of signed links.",
          details: [{ limit: "links", max: 2, seconds: 3600 }],
        },
      },
    });
    const wait = Number(refused.headers.get("retry-after"));
    expect(refused.headers.get("ratelimit-remaining")).toBe("0");
    expect(await rows(`user:${id}`)).toEqual(before);
    w.clock.advance(wait - 1);
    expect((await ask()).status).toBe(429);
    w.clock.advance(1);
    expect((await ask()).status).toBe(404); // served: there is no such version
  });

  test("no hour, wherever it begins, sees more than the number; nothing is withheld longer than 65 minutes", async () => {
    const w = withLimits({ previews: 5 });
    const holder = `user:${crypto.randomUUID()}`;
    const served: number[] = [];
    for (let minute = 0; minute < 400; minute += 7) {
      w.clock.advance(7 * 60);
      for (let burst = 0; burst < 3; burst++)
        await takeLimit(w.deps, { name: "previews", holder }).then(
          () => served.push(w.clock.at.getTime()),
          (cause: unknown) => expect(cause).toBeInstanceOf(AppError),
        );
    }
    for (const from of served) {
      const inAnHour = served.filter((at) => at >= from && at < from + 3_600_000).length;
      expect(inAnHour).toBeLessThanOrEqual(5);
    }
    expect(served.length).toBeGreaterThanOrEqual(5 * Math.floor(400 / 72));
  });

  test("a cost beyond what is left takes nothing, a limit of zero lets nobody through", async () => {
    const w = withLimits({ uploads: 5, reports: 0 });
    const holder = `user:${crypto.randomUUID()}`;
    const take = (cost: number) =>
      takeLimit(w.deps, { name: "uploads", holder, cost }).then(
        () => true,
        () => false,
      );
    expect([await take(3), await take(3), await take(2), await take(1), await take(6)]).toEqual([
      true,
      false,
      true,
      false,
      false,
    ]);
    await expect(takeLimit(w.deps, { name: "reports", holder })).rejects.toMatchObject({ code: "rate_limit_exceeded" });
    expect((await rows(holder)).map(({ name }) => name)).toEqual(["uploads"]);
  });

  test("each user has their own, and a token that was revoked spends nothing of its owner's", async () => {
    const w = withLimits({ saves: 3 });
    const [alice, bob] = [await w.tenant(), await w.tenant(`${w.name}-b@example.com`)];
    const save = (token: string) => w.request("DELETE", "/configurations/x", { token, headers: { "if-match": "*" } });
    for (let n = 0; n < 4; n++) await save(alice.token);
    expect((await save(alice.token)).status).toBe(429);
    expect((await save(bob.token)).status).toBe(404);
    await env.DB.prepare("UPDATE devices SET revoked_at = '2026-01-01T00:00:00.000Z' WHERE user_uuid = ?")
      .bind(bob.id)
      .run();
    for (let n = 0; n < 5; n++) expect((await save(bob.token)).status).toBe(401);
    expect(Object.values(JSON.parse((await rows(`user:${bob.id}`))[0]!.slots) as object)).toEqual([1]);
  });

  test("secret reads grow with the secrets that there are", async () => {
    const w = withLimits({ secret_reads: 2 });
    const { token } = await w.tenant();
    await w.request("POST", "/secrets/set", { token, body: { name: "a", value: "v" } });
    const answers = [];
    for (let n = 0; n < 28; n++) answers.push(await w.request("GET", "/secrets/get/a", { token }));
    expect(tally(answers)).toEqual({ 200: 26, 429: 2 });
    expect(answers[0]!.headers.get("ratelimit-limit")).toBe("26");
  });

  test("rows that count no more are collected by the sweep", async () => {
    const w = withLimits({});
    const holder = `user:${crypto.randomUUID()}`;
    await takeLimit(w.deps, { name: "saves", holder });
    w.clock.advance(3600);
    await w.sweep();
    expect(await rows(holder)).toHaveLength(1);
    w.clock.advance(301);
    await w.sweep();
    expect(await rows(holder)).toHaveLength(0);
  });
});

describe("sign-in", () => {
  const CAROL = {
    user_id: "u323456789",
    login_name: "carol@example.com",
    device_id: "9876543212",
    device_hostname: "carol-laptop",
    tailnet: "team.ts.net",
  };
  /** The upstreams run on real time; claims are trusted here, so that only the limits are asked. */
  const present = () => {
    const w = withLimits({});
    const team = { ...w.deps.settings.TAILSCALE_TAILNETS["team.ts.net"]!, trust_claims: true };
    w.deps.settings = { ...w.deps.settings, TAILSCALE_TAILNETS: { "team.ts.net": team } };
    w.clock.at = new Date();
    return w;
  };
  const signIn = (w: World, tailscale: object, address: string) =>
    w.request("POST", "/auth/cli", { body: { tailscale }, headers: { "cf-connecting-ip": address } });
  beforeEach(async () => {
    await control("clearFaults");
    await env.DB.prepare("DELETE FROM rate_limits WHERE name = 'authentication'").run();
  });

  test("1,000 forged in a user's name, from anywhere: the user still gets in, from that very address too", async () => {
    const w = present();
    const forged = [];
    for (let n = 0; n < 1000; n += 50)
      forged.push(
        ...(await Promise.all(
          Array.from({ length: 50 }, (_, k) =>
            signIn(
              w,
              { ...CAROL, login_name: `carol${n + k}@example.com` },
              k % 2 === 0 ? "203.0.113.7" : `203.0.113.${k}`,
            ),
          ),
        )),
      );
    expect(forged.every(({ status }) => status === 401 || status === 429)).toBe(true);
    expect(tally(forged)["429"]).toBeGreaterThan(700);
    expect((await signIn(w, CAROL, "203.0.113.7")).status).toBe(200);
    expect((await signIn(w, CAROL, "198.51.100.1")).status).toBe(200);
  });

  test("a failure beyond the limit no longer says what was wrong", async () => {
    const w = present();
    const address = "198.51.100.77";
    for (let n = 0; n < RATE_LIMITS.failed_sign_ins_of_device.max; n++)
      expect((await signIn(w, { ...CAROL, login_name: "mallory@github" }, address)).status).toBe(401);
    expect(await signIn(w, { ...CAROL, login_name: "mallory@github" }, address)).toMatchObject({
      status: 429,
      body: { error: { code: "rate_limit_exceeded" } },
    });
    expect((await signIn(w, { ...CAROL, device_id: "another", login_name: "mallory@github" }, address)).status).toBe(
      401,
    );
  });

  test("ten in an hour that succeed, and no more", async () => {
    const w = present();
    const answers = [];
    for (let n = 0; n < 11; n++) answers.push(await signIn(w, CAROL, "198.51.100.2"));
    expect(tally(answers)).toEqual({ 200: 10, 429: 1 });
    expect(answers.at(-1)!.headers.get("retry-after")).toMatch(/^3\d{3}$/);
  });
});

describe("the shield", () => {
  test("stands before D1, alone on the poll path, and lets through where it fails itself", async () => {
    let asked = 0;
    const refusing = { limit: async () => ({ success: asked++ < 1 }) };
    const w = world({ shield: refusing });
    const { token } = await w.tenant();
    expect((await w.request("GET", "/config/latest", { token })).status).toBe(404);
    const refused = await w.request("GET", "/config/latest", { token });
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "rate_limit_exceeded" } } });
    expect(refused.headers.get("retry-after")).toBe("60");
    w.deps.shield = { limit: () => Promise.reject(new Error("binding lost")) };
    expect((await w.request("GET", "/config/latest", { token })).status).toBe(404);
    expect(w.lines.some(({ event }) => event === "shield.failed")).toBe(true);
  });

  test("is the platform's binding, and works on this machine", async () => {
    expect((await env.SHIELD.limit({ key: crypto.randomUUID() })).success).toBe(true);
    const w = world({ shield: env.TEST_SHIELD });
    const { token } = await w.tenant();
    const answers = [];
    for (let n = 0; n < 11; n++) answers.push(await w.request("GET", "/config/latest", { token })); // a minute may turn once
    expect(tally(answers)["429"]).toBeGreaterThan(0);
    expect(tally(answers)["404"]).toBeGreaterThanOrEqual(5);
  });
});

test("each operation that writes has a row in api/route-limits.ts, and each row an operation", async () => {
  const all = (await operations(world())).map(({ method, template }) => `${method} ${template}`);
  expect(
    all.filter((operation) => !operation.startsWith("GET ") && !Object.hasOwn(ROUTE_LIMITS, operation)),
    "give it a row in src/api/route-limits.ts (docs/how-to/add-a-limit.md)",
  ).toEqual([]);
  expect(Object.keys(ROUTE_LIMITS).filter((route) => !all.includes(route))).toEqual([]);
});

test("an address counts as one host, or as one IPv6 network of 64 bits", () => {
  expect(addressHolder("203.0.113.9")).toBe("address:203.0.113.9");
  expect(addressHolder("::ffff:203.0.113.9")).toBe("address:203.0.113.9");
  expect(addressHolder("2001:db8:0:1::5")).toBe("address:2001:db8:0:1::/64");
  expect(addressHolder("2001:0DB8:0000:0001:aaaa:bbbb:cccc:dddd")).toBe("address:2001:db8:0:1::/64");
  expect(addressHolder("2001:db8::1")).toBe("address:2001:db8:0:0::/64");
  expect(addressHolder("::1")).toBe("address:0:0:0:0::/64");
  expect(addressHolder(undefined)).toBe("address:unknown");
});
