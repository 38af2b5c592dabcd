import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { syncRegistry } from "#registry/sync-registry.ts";
import type { SyncOutcome } from "#registry/sync-repository.ts";
import type { Settings } from "#core/settings.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

const REPOSITORY = "leger-run/leger-templates";

/** A registry of its own slug over the shared repository, on real time, since the upstreams are. */
function registry(overrides: Partial<Settings> = {}) {
  const w = world();
  w.clock.at = new Date();
  w.deps.settings = { ...w.deps.settings, PACK_REPOSITORIES: { [w.name]: REPOSITORY }, ...overrides };
  const sync = async () => (await syncRegistry(w.deps))[0]!;
  const schemas = async () =>
    (
      await env.DB.prepare(
        "SELECT version, status, asset_digest, pack_digest FROM schemas WHERE pack = ? ORDER BY version",
      )
        .bind(w.name)
        .all<{ version: string; status: string; asset_digest: string | null; pack_digest: string }>()
    ).results;
  return { w, sync, schemas };
}
type Request = { method: string; path: string; status: number };
const requests = () => control<Request[]>("requests", { surface: "github" });

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 100_000 }).catch(() => null);
  await control("resetRequests");
  // one row per repository: the tests of this file take turns with it
  await env.DB.prepare("DELETE FROM registry_repositories").run();
});

describe("sync", () => {
  test("fetches every release once, checks its digest, and stores pack, schema and derived manifest", async () => {
    const { w, sync, schemas } = registry();
    expect(await sync()).toMatchObject({
      result: "synced",
      admitted: ["v1.0.0", "v1.1.0"],
      quarantined: [],
    } satisfies Partial<SyncOutcome>);
    const rows = await schemas();
    expect(rows.map(({ version, status }) => `${version} ${status}`)).toEqual(["v1.0.0 ready", "v1.1.0 ready"]);
    for (const { version, pack_digest } of rows)
      for (const bucket of [env.QUADLETS, env.BACKUPS])
        expect(await bucket.head(`packs/${w.name}/${version}/${pack_digest}.json`)).not.toBeNull();
    const manifest = JSON.parse(
      (await env.DB.prepare("SELECT template_manifest FROM schemas WHERE pack = ? AND version = 'v1.0.0'")
        .bind(w.name)
        .first<{ template_manifest: string }>())!.template_manifest,
    ) as { templates: { name: string; variables: string[]; checksum: string }[] };
    const webui = manifest.templates.find(({ name }) => name.startsWith("openwebui.container"));
    expect(webui?.checksum).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(webui?.variables.length).toBeGreaterThan(0);
  });

  test("at rest is one conditional request, answered 304", async () => {
    const { sync } = registry();
    await sync();
    await control("resetRequests");
    expect((await sync()).result).toBe("unchanged");
    expect((await requests()).map(({ status }) => status)).toEqual([304]);
  });

  test("asked for twice at once runs once", async () => {
    const { sync, schemas } = registry();
    const results = (await Promise.all([sync(), sync()])).map(({ result }) => result);
    expect(results.toSorted()).toEqual(["running", "synced"]);
    expect(await schemas()).toHaveLength(2);
  });

  test("at a rate limit it stores when to come back and does not ask before", async () => {
    const { w, sync, schemas } = registry();
    const reset = Math.floor(Date.now() / 1000) + 600;
    await control("injectFault", {
      path: "/releases",
      surface: "github",
      times: 1,
      status: 403,
      headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) },
    });
    expect(await sync()).toMatchObject({ result: "rate_limited", retry_at: new Date(reset * 1000).toISOString() });
    await control("resetRequests");
    expect((await sync()).result).toBe("rate_limited");
    expect(await requests()).toEqual([]);
    w.clock.advance(601);
    expect((await sync()).result).toBe("synced");
    expect(await schemas()).toHaveLength(2);
  });

  test("an asset cut short or a GitHub that fails changes nothing, and the next sync does the rest", async () => {
    const { sync, schemas } = registry();
    await control("injectFault", { path: ".*", surface: "storage", times: 1, cutBody: { bytes: 500, declare: "cut" } });
    expect((await sync()).result).toBe("failed");
    await control("clearFaults");
    await control("injectFault", { path: "/releases", surface: "github", times: 20, status: 502 });
    expect((await sync()).result).toBe("failed");
    await control("clearFaults");
    expect((await sync()).result).toBe("synced");
    expect((await schemas()).map(({ status }) => status)).toEqual(["ready", "ready"]);
  });

  test("a pack that is in no bucket is fetched again from its pinned release", async () => {
    const { w, sync, schemas } = registry();
    await sync();
    const { token } = await w.tenant();
    const { pack_digest, version } = (await schemas())[0]!;
    w.deps.caches.packs.delete(pack_digest); // admission of the next version had it in memory
    for (const bucket of [env.QUADLETS, env.BACKUPS])
      await bucket.delete(`packs/${w.name}/${version}/${pack_digest}.json`);
    const config_data = { networking: { base_domain: "ai.example.com" } };
    const created = await w.request("POST", "/configurations", {
      token,
      body: { deployment_name: "stack", pack: w.name, schema_version: version, config_data },
    });
    expect(created.status).toBe(202);
    await w.deliver();
    expect(await w.request("GET", "/renders/1", { token })).toMatchObject({ body: { data: { state: "rendered" } } });
    expect(await env.QUADLETS.head(`packs/${w.name}/${version}/${pack_digest}.json`)).not.toBeNull();
  });
});

test("POST /schemas/sync is the operator's; everybody may read what came of it", async () => {
  const { w, sync } = registry();
  await sync();
  const [person, operator] = [await w.tenant(), await w.tenant("alice@github", "op")];
  expect(await w.request("POST", "/schemas/sync", { token: person.token })).toMatchObject({ status: 403 });
  expect(await w.request("POST", "/schemas/sync", { token: operator.token })).toMatchObject({
    status: 200,
    body: { data: { repositories: [{ result: "unchanged" }] } },
  });
  expect(await w.request("GET", `/schemas/v1.0.0?pack=${w.name}`, { token: person.token })).toMatchObject({
    status: 200,
    body: { data: { config_schema: { type: "object" }, report: [] } },
  });
  expect((await w.request("GET", "/schemas/v7.0.0", { token: person.token })).status).toBe(404);
});
