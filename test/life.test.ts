import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "#core/digest.ts";
import { fixtureCases, fixturePack } from "./fixture-packs.ts";
import { FORGETFUL_PACK, LIFE_PACK } from "./life-pack.ts";
import { type Answer, world } from "./world.ts";

type Json = Record<string, unknown>;
type Preview = {
  against: number | null;
  unchanged: boolean;
  changes_summary: string;
  effective: Json;
  changes: { decision: string; title: string; masked: boolean; before?: unknown; after?: unknown }[];
  render: { state: string; findings: { code: string }[] };
  files: { filename: string; sha256: string; text: string; is_masked: boolean }[] | null;
  secrets_required: string[];
  diff: {
    filename: string;
    change: string;
    unified: string;
    origins: { side: string; line: number; values: string[] }[];
  }[];
  plan: { risks: { code: string }[]; steps: { action: string; target: string }[] };
  losses: { data_risks: { code: string }[]; versions_undone: { version: number }[] };
};
type Saved = { version: { version: number; changes_summary: string; origin: string }; unchanged: boolean };

const PIN = "canary-4711-pin";

/** A tenant with a pack of its own and short ways to the routes. */
async function home(pack: ReadonlyMap<string, Uint8Array> = LIFE_PACK) {
  const w = world();
  const { token, id } = await w.tenant();
  const { slug } = await w.admit(pack);
  const send = <T = Json>(method: string, path: string, ...[body, headers = {}]: [unknown?, Record<string, string>?]) =>
    w.request<T>(method, path, { token, headers, ...(body !== undefined && { body }) });
  return {
    w,
    id,
    slug,
    token,
    send,
    create: (config_data: Json, more: Json = {}) =>
      send<Saved>("POST", "/configurations", { deployment_name: "site", pack: slug, config_data, ...more }),
    save: (config_data: Json, more: Json = {}, ifMatch = "*") =>
      send<Saved>("PUT", "/configurations/site", { config_data, ...more }, { "if-match": ifMatch }),
    preview: (config_data: Json, more: Json = {}) =>
      send<Preview>("POST", "/configurations/site/preview", { config_data, ...more }),
    manifest: async (version: number) =>
      (await send<{ manifest: { files: { filename: string; sha256: string }[] } }>("GET", `/config/${version}`)).body
        .data.manifest,
  };
}

const counts = async (id: string) => {
  const tables = ["configurations", "configuration_versions", "render_jobs", "rendered_quadlets", "audit_log"];
  const found = await env.DB.batch<{ n: number }>(
    tables.map((table) => env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table} WHERE workspace_id = ?`).bind(id)),
  );
  const objects = await env.QUADLETS.list({ prefix: `${id}/` });
  return [...found.map(({ results }) => results[0]?.n), objects.objects.length];
};
const digests = (files: { filename: string; sha256: string }[] | null) =>
  Object.fromEntries((files ?? []).map(({ filename, sha256 }) => [filename, sha256]));
const everything = (answer: Answer) => JSON.stringify(answer.body);

describe("a preview", () => {
  test("of every fixture case names the very files that the save ships, and stores nothing", async () => {
    for (const release of ["v1.0.0", "v1.1.0"]) {
      const h = await home(fixturePack(release));
      for (const { name, text } of fixtureCases(release)) {
        const body = { config_data: JSON.parse(text) as Json, allow_deprecated: true };
        const before = await counts(h.id);
        const preview = await h.send<Preview>("POST", `/configurations/${name}/preview`, { ...body, pack: h.slug });
        expect(preview.status, name).toBe(200);
        expect(await counts(h.id)).toEqual(before);
        const saved = await h.send<Saved>("POST", "/configurations", { deployment_name: name, pack: h.slug, ...body });
        await h.w.deliver();
        const { files } = await h.manifest(saved.body.data.version.version);
        expect(digests(preview.body.data.files), name).toEqual(digests(files));
        for (const { filename, text: shown } of preview.body.data.files!.filter(({ is_masked }) => !is_masked))
          expect(await sha256Hex(shown), filename).toBe(digests(files)[filename]);
        expect(preview.body.data.changes_summary).toBe(saved.body.data.version.changes_summary);
      }
    }
  });

  test("shows decisions by title, files as unified diffs with their origins, and what a device does", async () => {
    const h = await home();
    await h.create({ vector_database: "pgvector", volume: "data" });
    await h.w.deliver();
    const { body } = await h.preview({ vector_database: "qdrant", volume: "other", enable_rag: true });
    expect(body.data).toMatchObject({
      against: 1,
      unchanged: false,
      changes_summary: "RAG on; Vector database: pgvector -> qdrant; Volume: data -> other",
      render: { state: "rendered", findings: [] },
    });
    const diff = body.data.diff.find(({ filename }) => filename === "app.container")!;
    expect(diff.unified).toBe(`--- a/app.container
+++ b/app.container
@@ -1,5 +1,5 @@
 [Container]
-Image=docker.io/library/app-pgvector:1.2
+Image=docker.io/library/app-qdrant:1.2
 PublishPort=8080:80
 Volume=data.volume:/data
 EnvironmentFile=./app.env
`);
    expect(diff.origins.map(({ side, line, values }) => ({ side, line, values }))).toEqual([
      { side: "old", line: 2, values: ["/vector_database"] },
      { side: "new", line: 2, values: ["/vector_database"] },
    ]);
    expect(body.data.diff.map(({ filename, change }) => [filename, change])).toEqual([
      ["app.container", "changed"],
      ["app.env", "changed"],
      ["data.volume", "changed"],
      ["rag.container", "added"],
    ]);
    expect(body.data.plan.risks.map(({ code }) => code)).toEqual(["volume_renamed"]);
    expect(body.data.plan.steps).toContainEqual(expect.objectContaining({ action: "start", target: "rag" }));
  });

  test("masks sensitive values by stable fingerprints wherever they stand, and what was computed from them", async () => {
    const h = await home();
    await h.create({ pin: PIN });
    await h.w.deliver();
    const same = await h.preview({ pin: PIN, port: 81 });
    const other = await h.preview({ pin: `${PIN}2` });
    const env1 = same.body.data.files!.find(({ filename }) => filename === "app.env")!;
    expect(env1).toMatchObject({ is_masked: true });
    expect(env1.text).toMatch(
      /^STORE=pgvector\nPIN=\[masked:[0-9a-f]{16}\]\nPIN_UPPER=\[masked:[0-9a-f]{16}\]\nEND=1\n$/,
    );
    expect(same.body.data.diff.map(({ filename }) => filename)).toEqual(["app.container"]);
    expect(other.body.data.diff.map(({ filename }) => filename)).toEqual(["app.env"]);
    expect(other.body.data.diff[0]!.unified).toContain(`-${env1.text.split("\n")[1]}\n`);
    expect(other.body.data.changes).toEqual([{ decision: "/pin", title: "Admin PIN", kind: "changed", masked: true }]);
    expect(other.body.data.changes_summary).toBe("Admin PIN changed");
    for (const answer of [same, other]) expect(everything(answer).toLowerCase()).not.toContain(PIN);
    const stranger = await home();
    const theirs = await stranger.preview({ pin: PIN }, { pack: stranger.slug });
    const env2 = theirs.body.data.files!.find(({ filename }) => filename === "app.env")!;
    expect(env2.text.split("\n")[1]).not.toBe(env1.text.split("\n")[1]);
  });

  test("refuses what a save refuses, in the same words; a render that fails is shown as one", async () => {
    const h = await home();
    await h.create({ site_id: "a" });
    for (const body of [
      { vector_database: "redis" },
      { vectr_database: "qdrant" },
      { site_id: "b" },
      { old_mode: true },
    ]) {
      const [preview, save] = [await h.preview(body), await h.save(body)];
      expect(preview.status).toBeGreaterThanOrEqual(400);
      expect({ status: preview.status, error: preview.body.error }).toEqual({
        status: save.status,
        error: save.body.error,
      });
    }
    const failed = await h.preview({ site_id: "a", volume: "x", port: 99_999 });
    expect(failed).toMatchObject({
      status: 200,
      body: { data: { render: { state: "failed" }, files: null, diff: null } },
    });
    expect(failed.body.data.render.findings.length).toBeGreaterThan(0);
    expect(await h.preview({}, { pack: "other" })).toMatchObject({
      status: 409,
      body: { error: { code: "pack_fixed" } },
    });
  });

  test("compares with what devices run, not with a version that failed", async () => {
    const h = await home();
    await h.create({ port: 80 });
    await h.w.deliver();
    await h.save({ port: 99_999 });
    await h.w.deliver();
    const { data } = (await h.preview({ port: 81 })).body;
    expect(data).toMatchObject({ against: 1, changes_summary: "Port: 99999 -> 81" });
    expect(data.changes).toMatchObject([{ decision: "/port", before: 80, after: 81 }]);
  });
});

describe("saving", () => {
  test("says nothing of a value that was sensitive under the old schema, and keeps its promise of one that cannot change", async () => {
    const h = await home();
    await h.w.admit(FORGETFUL_PACK, "v1.1.0", h.slug);
    await h.create({ pin: PIN, site_id: "a" }, { schema_version: "v1.0.0" });
    const upgrade = { schema_version: "v1.1.0" };
    expect(await h.save({ pin: "x", site_id: "b" }, upgrade)).toMatchObject({
      status: 409,
      body: { error: { code: "decision_immutable" } },
    });
    const saved = await h.save({ pin: "x", site_id: "a" }, upgrade);
    expect(saved.body.data.version.changes_summary).toBe("Admin PIN changed; Schema: v1.0.0 -> v1.1.0");
  });

  test("warns on read of a decision that is deprecated", async () => {
    const h = await home();
    await h.create({ old_mode: true }, { allow_deprecated: true });
    const read = await h.send<{ warnings: { code: string; decision: string }[] }>("GET", "/configurations/site");
    expect(read.body.data.warnings).toMatchObject([{ code: "decision_deprecated", decision: "/old_mode" }]);
  });

  test("a stale edit, deletion or rollback is told what came in between", async () => {
    const h = await home();
    await h.create({ port: 80 });
    await h.save({ port: 81 });
    const stale = { "if-match": '"1"' };
    for (const answer of [
      await h.save({ port: 82 }, {}, '"1"'),
      await h.send("DELETE", "/configurations/site", undefined, stale),
      await h.send("POST", "/configurations/site/rollback", { to: 1 }, stale),
    ])
      expect(answer).toMatchObject({
        status: 412,
        body: { error: { code: "version_conflict", details: [{ version: 2, changes_summary: "Port: 80 -> 81" }] } },
      });
  });
});

describe("history", () => {
  test("says who, why, from what, in which state, and which devices say they run it; pages are stable under saves", async () => {
    const h = await home();
    await h.create({ port: 80 });
    for (const port of [81, 82, 83]) await h.save({ port });
    await h.w.deliver();
    const [config] = (await env.DB.prepare("SELECT id FROM configurations WHERE workspace_id = ?").bind(h.id).all())
      .results;
    await env.DB.prepare(
      `INSERT INTO deployments (id, workspace_id, user_uuid, config_id, config_version, device_id, device_hostname,
         deployment_status, last_checked) VALUES (?1, ?2, ?2, ?3, 2, 'd9', 'shelf', 'active', '2026-01-01T00:00:00.000Z')`,
    )
      .bind(crypto.randomUUID(), h.id, config!["id"])
      .run();
    type Page = { versions: { version: number; devices: Json[] }[]; next_cursor: string | null };
    const first = await h.send<Page>("GET", "/configurations/site/versions?limit=2");
    expect(first.body.data.versions).toMatchObject([
      {
        version: 4,
        origin: "save",
        changes_summary: "Port: 82 -> 83",
        schema_version: "v1.0.0",
        author: expect.stringContaining("@example.com"),
        render: { state: "rendered" },
        devices: [],
      },
      { version: 3 },
    ]);
    await h.save({ port: 84 });
    const second = await h.send<Page>(
      "GET",
      `/configurations/site/versions?limit=2&cursor=${first.body.data.next_cursor!}`,
    );
    expect(second.body.data.versions.map(({ version }) => version)).toEqual([2, 1]);
    expect(second.body.data.versions[0]!.devices).toEqual([{ device_id: "d9", hostname: "shelf", status: "active" }]);
  });

  test("a diff of any two versions: decisions, files, plan, masked; of one that is not rendered, decisions only", async () => {
    const h = await home();
    await h.create({ pin: PIN, port: 80 });
    await h.save({ pin: `${PIN}2`, port: 80 });
    await h.save({ pin: `${PIN}2`, port: 81 });
    await h.w.deliver();
    await h.save({ port: 82, pin: PIN });
    type Diff = {
      from: { version: number } | null;
      changes: Json[];
      diff: { filename: string }[] | null;
      plan: Json | null;
    };
    const get = (path: string) => h.send<Diff>("GET", `/configurations/site/versions/${path}`);
    const parent = await get("3/diff");
    expect(parent.body.data).toMatchObject({
      from: { version: 2 },
      changes: [{ decision: "/port", before: 80, after: 81 }],
      diff: [{ filename: "app.container" }],
    });
    const wide = await get("3/diff?against=1");
    expect(wide.body.data.changes).toMatchObject([{ masked: true, title: "Admin PIN" }, { title: "Port" }]);
    expect(wide.body.data.diff!.map(({ filename }) => filename)).toEqual(["app.container", "app.env"]);
    const masked = JSON.stringify([wide.body.data.changes, wide.body.data.diff, wide.body.data.plan]);
    expect(masked.toLowerCase()).not.toContain(PIN);
    expect((await get("1/diff")).body.data).toMatchObject({ from: null });
    expect((await get("4/diff")).body.data).toMatchObject({ diff: null, plan: null, changes: [{}, {}] });
    expect((await get("4/diff?against=99")).status).toBe(404);
  });
});

describe("a rollback", () => {
  test("says first what it loses, then makes a new version with the old content and the old files", async () => {
    const h = await home();
    await h.create({ volume: "data", pin: PIN });
    await h.save({ volume: "other", pin: PIN, enable_rag: true });
    await h.w.deliver();
    const preview = await h.send<Preview>("POST", "/configurations/site/rollback/preview", { to: 1 });
    expect(preview.body.data.losses).toMatchObject({
      data_risks: [{ code: "volume_renamed" }],
      versions_undone: [{ version: 2 }],
    });
    const go = () =>
      h.send<Saved>(
        "POST",
        "/configurations/site/rollback",
        { to: 1 },
        { "if-match": '"2"', "idempotency-key": "back" },
      );
    const done = await go();
    expect(done).toMatchObject({
      status: 202,
      body: {
        data: {
          version: {
            version: 3,
            origin: "rollback",
            changes_summary: "Rolled back to version 1: RAG: back to the default; Volume: other -> data",
          },
        },
      },
    });
    expect((await go()).body.data.version.version).toBe(3);
    await h.w.deliver();
    expect((await h.manifest(3)).files).toEqual((await h.manifest(1)).files);
    expect(digests(preview.body.data.files)).toEqual(digests((await h.manifest(3)).files));
    const again = await h.send<Saved>("POST", "/configurations/site/rollback", { to: 1 }, { "if-match": "*" });
    expect(again).toMatchObject({ status: 200, body: { data: { unchanged: true } } });
    expect(everything(preview).toLowerCase()).not.toContain(PIN);
  });

  test("keeps the old schema version, and refuses to change what cannot change", async () => {
    const h = await home();
    await h.w.admit(FORGETFUL_PACK, "v1.1.0", h.slug);
    await h.create({ port: 80 }, { schema_version: "v1.0.0" });
    await h.save({ port: 81 }, { schema_version: "v1.1.0" });
    const back = (to: number) => h.send<Saved>("POST", "/configurations/site/rollback", { to }, { "if-match": "*" });
    expect((await back(1)).body.data.version).toMatchObject({ version: 3, schema_version: "v1.0.0" });
    await h.save({ port: 80, site_id: "a" });
    expect(await back(1)).toMatchObject({ status: 409, body: { error: { code: "decision_immutable" } } });
    expect(await back(77)).toMatchObject({ status: 404 });
  });

  test("of another tenant's version, or of another deployment's, is not found", async () => {
    const [h, other] = [await home(), await home()];
    await h.create({ port: 80 });
    await h.create({ port: 80 }, { deployment_name: "second" });
    await other.create({ port: 81 });
    const back = (of: typeof h, to: number) =>
      of.send("POST", "/configurations/site/rollback", { to }, { "if-match": "*" });
    expect((await back(h, 2)).status).toBe(404);
    expect((await back(other, 2)).status).toBe(404);
    expect((await other.send("GET", "/configurations/site/versions/2/diff")).status).toBe(404);
  });
});
