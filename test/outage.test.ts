import { env } from "cloudflare:workers";
import { sign } from "@octokit/webhooks-methods";
import { beforeEach, describe, expect, test } from "vitest";
import { syncRegistry } from "#registry/sync-registry.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

const SECRET = "the-webhook-secret-of-outages";
const HOUR = 3600;
/** How long one answer is waited for, in real time: hardly at all where none will come, and long enough where one does. */
const IMPATIENT = 0.02;
const PATIENT = 10;
/** Tries again at once, and still hears a busy machine's answers. */
const HASTY = 0.3;

let repositories = 0;

/** A registry over repositories of its own, with one deployment, whose crons are played by hand. Real time, since the upstreams are. */
async function registry({ count = 1 } = {}) {
  const w = world();
  w.clock.at = new Date();
  const names = Array.from({ length: count }, (_, n) => [
    `${w.name}${n === 0 ? "" : `-${n}`}`,
    `tests/outage-${++repositories}`,
  ]);
  for (const [, fullName] of names)
    await control("addRepository", { fullName, fixtures: "leger", published: ["v1.0.0"] });
  w.deps.settings = {
    ...w.deps.settings,
    PACK_REPOSITORIES: Object.fromEntries(names) as Record<string, string>,
    GITHUB_WEBHOOK_SECRETS: [SECRET],
  };
  const repository = names[0]![1]!;
  const hourly = async () => {
    const outcomes = await syncRegistry(w.deps);
    await w.announce();
    return outcomes;
  };
  const versions = async (pack = w.name) =>
    (
      await env.DB.prepare("SELECT version, status FROM schemas WHERE pack = ? ORDER BY version")
        .bind(pack)
        .all<{ version: string; status: string }>()
    ).results.map(({ version, status }) => `${version} ${status}`);
  const requests = async () =>
    (await control<{ path: string; status: number | null }[]>("requests", {})).filter(
      ({ path }) => path.includes(repository) || path.startsWith("/assets/"),
    );
  await hourly();
  const { token } = await w.tenant();
  let port = 3000;
  /** A save, its render and a device's poll; answers the version that the device is handed. */
  const live = async () => {
    const config_data = { networking: { base_domain: "ai.example.com", external_ports: { openwebui: ++port } } };
    const saved =
      port === 3001
        ? await w.request("POST", "/configurations", {
            token,
            body: { deployment_name: "a", pack: w.name, config_data },
          })
        : await w.request("PUT", "/configurations/a", { token, headers: { "if-match": "*" }, body: { config_data } });
    expect(saved.status).toBe(202);
    await w.deliver();
    const polled = await w.request<{ version: number }>("GET", "/config/latest", { token });
    expect(polled.status).toBe(200);
    return polled.body.data.version;
  };
  const webhook = async () => {
    const body = JSON.stringify({ action: "published", repository: { full_name: repository } });
    const headers = {
      "x-github-event": "release",
      "x-github-delivery": crypto.randomUUID(),
      "x-hub-signature-256": await sign(SECRET, body),
    };
    expect((await w.request("POST", "/webhooks/github", { body, headers })).status).toBe(202);
    await w.settle();
  };
  const patience = (seconds: number) => void (w.deps.settings.GITHUB_TIMEOUT_SECONDS = seconds);
  return { w, repository, names, hourly, versions, requests, live, webhook, patience };
}

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000, authenticated: 1_000_000 });
});

describe("GitHub being away for a day", () => {
  /** `tries`: requests of one sync, at most. Real time passes where nothing is answered, so those have no patience. */
  test.each<[string, { fault: object; surface?: string; tries: number; wait: number }]>([
    ["answers 503", { fault: { status: 503 }, tries: 3, wait: HASTY }],
    [
      "answers 429 and when to come back",
      { fault: { status: 429, headers: { "retry-after": "60" } }, tries: 1, wait: PATIENT },
    ],
    ["answers 429 and nothing else", { fault: { status: 429 }, tries: 1, wait: PATIENT }],
    ["resets connections", { fault: { reset: true }, tries: 3, wait: HASTY }],
    ["takes connections and says nothing", { fault: { hang: true }, tries: 3, wait: IMPATIENT }],
    [
      "stops in the middle of an answer",
      { fault: { cutBody: { bytes: 40, declare: "stall" } }, tries: 3, wait: IMPATIENT },
    ],
    [
      "closes in the middle of an answer",
      { fault: { cutBody: { bytes: 40, declare: "full" } }, tries: 3, wait: HASTY },
    ],
    ["sends half answers as whole ones", { fault: { cutBody: { bytes: 40, declare: "cut" } }, tries: 3, wait: HASTY }],
    [
      "sends half assets",
      { fault: { cutBody: { bytes: 500, declare: "cut" } }, surface: "storage", tries: 6, wait: HASTY },
    ],
  ])(
    "and %s: nothing changes, nothing is asked too often, and the next hour catches up",
    async (_, { fault, surface = "github", tries, wait }) => {
      const { w, repository, hourly, versions, requests, live, webhook, patience } = await registry();
      await control("publishRelease", { repository, tag: "v1.1.0" });
      const path = surface === "storage" ? ".*" : repository;
      await control("injectFault", { path, surface, times: null, ...fault });
      patience(wait);
      w.clock.advance(60);
      await webhook(); // of the release that nobody can read now
      const polled: number[] = [];
      for (let hour = 1; hour <= 24; hour++) {
        await control("resetRequests");
        w.clock.advance(HOUR);
        expect(["failed", "rate_limited"]).toContain((await hourly())[0]!.result);
        const isSwept = hour % 4 === 0;
        if (isSwept) await w.sweep();
        expect((await requests()).length).toBeLessThanOrEqual(isSwept ? 2 * tries : tries);
        if (hour % 8 === 0) polled.push(await live());
      }
      expect(polled).toEqual([1, 2, 3]);
      expect(await versions()).toEqual(["v1.0.0 ready"]);
      await control("clearFaults");
      patience(PATIENT);
      w.clock.advance(HOUR);
      expect((await hourly())[0]).toMatchObject({ result: "synced", admitted: ["v1.1.0"] });
      expect(await versions()).toEqual(["v1.0.0 ready", "v1.1.0 ready"]);
      await w.sweep(); // answers the nudge
      await control("resetRequests");
      for (let hour = 1; hour <= 3; hour++) {
        w.clock.advance(HOUR);
        await hourly();
        await w.sweep();
      }
      expect((await requests()).map(({ status }) => status)).toEqual([304, 304, 304]);
    },
    60_000,
  );

  test("the minutes after a webhook ask again every five of them", async () => {
    const { w, repository, requests, webhook, patience } = await registry();
    await control("injectFault", { path: repository, surface: "github", times: null, status: 502 });
    patience(HASTY);
    await control("resetRequests");
    w.clock.advance(60);
    await webhook();
    for (let minute = 1; minute <= 30; minute++) {
      w.clock.advance(60);
      await w.sweep();
    }
    expect((await requests()).length).toBe(3 * (1 + 6));
  });

  test("one repository that hangs holds up neither another one nor the cron", async () => {
    const { w, repository, names, hourly, versions, patience } = await registry({ count: 2 });
    const [, [pack, other]] = names as [string[], string[]];
    await control("publishRelease", { repository: other, tag: "v1.1.0" });
    await control("injectFault", { path: repository, surface: "github", times: null, hang: true });
    patience(1);
    w.clock.advance(HOUR);
    const started = performance.now();
    expect((await hourly()).map(({ result }) => result)).toEqual(["failed", "synced"]);
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(await versions(pack)).toEqual(["v1.0.0 ready", "v1.1.0 ready"]);
  });
});
