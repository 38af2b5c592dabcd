// What a review found once, so that it stays found.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { renderVersion } from "#consumers/render-version.ts";
import { syncRegistry } from "#registry/sync-registry.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";
const body = (slug: string, port = 80) => ({ deployment_name: "site", pack: slug, config_data: { web: { port } } });
const rows = async (sql: string, ...v: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...v)
      .all<Record<string, unknown>>()
  ).results;

test("a text with half a surrogate pair is refused, in keys too", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const a = await w.request("POST", "/configurations", {
    token,
    body: `{"deployment_name":"site","pack":"${slug}","config_data":{"web":{"port":80},"\\ud800":1}}`,
  });
  expect(a.status).toBe(400);
});
test("one Idempotency-Key in two workspaces is two requests", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const team = crypto.randomUUID();
  await env.DB.prepare("INSERT INTO workspaces (id, kind, name, created_at) VALUES (?, 'team', 't', 'x')")
    .bind(team)
    .run();
  await env.DB.prepare("INSERT INTO memberships VALUES (?, ?, 'editor', 'x')").bind(team, a.id).run();
  const go = (ws: string) =>
    w.request("POST", "/configurations", {
      token: a.token,
      headers: { "idempotency-key": "k", "x-leger-workspace": ws },
      body: body(slug),
    });
  expect((await go(a.id)).status).toBe(202);
  const second = await go(team);
  expect(second.status).toBe(202);
});
test("a render row cannot be replaced", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  await w.request("POST", "/configurations", { token: a.token, body: body(slug) });
  await w.deliver();
  await env.DB.prepare(`INSERT OR REPLACE INTO rendered_quadlets (id, config_id, workspace_id, epoch, version, schema_version, r2_base_path, manifest_checksum, file_count, total_size_bytes, engine_version, pack_digest, rendered_at)
    SELECT id, config_id, workspace_id, epoch, version, schema_version, r2_base_path, 'forged', 0, 0, 'x', 'x', 'x' FROM rendered_quadlets WHERE workspace_id = ?`)
    .bind(a.id)
    .run()
    .catch(() => null);
  expect(
    (await rows("SELECT manifest_checksum FROM rendered_quadlets WHERE workspace_id = ?", a.id))[0]![
      "manifest_checksum"
    ],
  ).not.toBe("forged");
});
test("a pack whose bytes are not its digest is restored from the backup", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const { objects } = await env.QUADLETS.list({ prefix: `packs/${slug}/` });
  await env.QUADLETS.put(objects[0]!.key, "garbage");
  await w.request("POST", "/configurations", { token: a.token, body: body(slug) });
  await w.deliver();
  for (let i = 0; i < 60; i++) {
    w.clock.advance(60);
    await w.sweep();
  }
  expect((await rows("SELECT state FROM render_jobs WHERE workspace_id = ?", a.id))[0]!["state"]).toBe("rendered");
});
test("an attempt that lost its lease replaces no file of its successor", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  await w.request("POST", "/configurations", { token: a.token, body: body(slug) });
  const id = w.sent[0]!.version_id;
  // A: an engine whose bytes differ (here: its bucket sees other bytes), stalls at its first put beyond its lease
  let releaseA!: () => void;
  const gate = new Promise<void>((r) => (releaseA = r));
  let aDone!: () => void;
  const aPut = new Promise<void>((r) => (aDone = r));
  const other = new Uint8Array(new TextEncoder().encode("bytes of A\n"));
  const sha = [...new Uint8Array(await crypto.subtle.digest("SHA-256", other))]
    .map((b) => b.toString(16).padStart(2, "0"))
    .join("");
  const { renderFiles } = await import("#store/render-files.ts");
  const filesB = new Proxy(env.QUADLETS, {
    get(bucket, name: keyof R2Bucket) {
      return async (...args: unknown[]) => {
        if (name === "put" && String(args[0]).endsWith("manifest.json")) {
          releaseA();
          await aPut;
        }
        return (bucket[name] as (...args: unknown[]) => unknown).apply(bucket, args);
      };
    },
  });
  const jobB = { ...w.deps, files: filesB };
  const stalled = (async () => {
    await gate;
    const outcome = await renderFiles.put(
      env.QUADLETS,
      { filename: "greeting.txt", bytes: other, sha256: sha },
      { workspaceId: a.id, version: 1, uploadedAt: "x", holdsLease: async () => false },
    );
    aDone();
    return outcome;
  })();
  expect((await renderVersion(jobB, id)).kind).toBe("rendered");
  expect(await stalled).toBe("lease_lost");
  expect((await w.request("GET", "/config/1/files/greeting.txt", { token: a.token })).status).toBe(200);
});
test("a delete that a save came before is told so", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  await w.request("POST", "/configurations", { token: a.token, body: body(slug) });
  let n = 0;
  const db = {
    prepare: env.DB.prepare.bind(env.DB),
    batch: async (s: D1PreparedStatement[]) => {
      if (++n === 2)
        await w.request("PUT", "/configurations/site", {
          token: a.token,
          headers: { "if-match": "*" },
          body: { config_data: { web: { port: 81 } } },
        });
      return env.DB.batch(s);
    },
  } as unknown as D1Database;
  const r = await world({ ...w.deps, db }).request("DELETE", "/configurations/site", {
    token: a.token,
    headers: { "if-match": '"1"' },
  });
  expect(r.status).toBe(412);
});
test("an equal save that queues a failed render again is audited", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const b = { ...body(slug), config_data: { web: { port: 80 }, break_it: true } };
  await w.request("POST", "/configurations", { token: a.token, body: b });
  await w.deliver();
  await w.request("PUT", "/configurations/site", {
    token: a.token,
    headers: { "if-match": "*" },
    body: { config_data: b.config_data },
  });
  expect(
    (await rows("SELECT action FROM audit_log WHERE workspace_id = ? ORDER BY seq", a.id)).map((row) => row["action"]),
  ).toContain("render.retried");
});
test("a misspelt field of the body is refused, not dropped", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const r = await w.request("POST", "/configurations", {
    token: a.token,
    body: { ...body(slug), podman_targt: "5.8" },
  });
  expect(r.status).toBe(400);
});
test("a pack may move to another repository", async () => {
  const w = world();
  const at = (m: Record<string, string>) =>
    syncRegistry({
      ...w.deps,
      http: () => Promise.reject(new Error("no net")),
      settings: { ...w.deps.settings, PACK_REPOSITORIES: m },
    });
  await at({ [w.name]: `old/${w.name}` });
  const out = await at({ [w.name]: `new/${w.name}`, [`${w.name}b`]: `x/${w.name}` });
  expect(out).toHaveLength(2);
});
test("a device is told to ask again soon when a deleted name is being made again", async () => {
  const w = world();
  const a = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  await w.request("POST", "/configurations", { token: a.token, body: body(slug) });
  await w.deliver();
  await w.request("DELETE", "/configurations/site", { token: a.token, headers: { "if-match": "*" } });
  await w.request("POST", "/configurations", { token: a.token, body: body(slug, 81) });
  const r = await w.request("GET", "/config/latest", { token: a.token });
  expect(r.headers.get("retry-after")).toBe("30");
});
test("whatever is no token is 401", async () => {
  const w = world();
  for (const t of [
    "leg_",
    "leg_.",
    "leg_..",
    "leg_a.b.c",
    "leg_é",
    "leg_" + btoa('{"alg":"EdDSA"}') + ".e30.AAAA",
    "leg_" + btoa('{"alg":"EdDSA","crit":["x"],"b64":false}') + ".e30.AAAA",
    "leg_" + btoa("null") + ".e30.AA",
    "leg_" + btoa("[]") + ".e30.AA",
    "leg_" + btoa('{"alg":5}') + ".e30.AA",
    "leg_" + btoa('{"alg":"EdDSA","kid":5}') + ".e30.AA",
  ]) {
    const r = await w.request("GET", "/configurations", { token: t }).catch((e) => ({ status: String(e) }));
    expect.soft([t, r.status]).toEqual([t, 401]);
  }
});
test("one release that cannot be fetched holds up no other", async () => {
  const w = world();
  w.clock.at = new Date();
  await env.DB.prepare("DELETE FROM registry_repositories").run();
  w.deps.settings = { ...w.deps.settings, PACK_REPOSITORIES: { [w.name]: "leger-run/leger-templates" } };
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 100_000 }).catch(() => null);
  await control("injectFault", { path: "git/ref/.*v1.0.0", surface: "github", times: 5, status: 404 });
  const [outcome] = await syncRegistry(w.deps);
  await control("clearFaults");
  expect(outcome!.admitted).toEqual(["v1.1.0"]);
});
