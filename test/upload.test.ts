import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "#core/digest.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { type Part, formBytes, upload } from "./upload-form.ts";
import { world } from "./world.ts";

type Saved = { unchanged: boolean; version: { version: number; origin: string; changes_summary: string } };
type Preview = {
  files: { filename: string; text: string }[];
  diff: { filename: string; unified: string }[];
  render: { findings: { code: string }[] };
};
type Rendered = { manifest: { files: { filename: string; sha256: string }[]; inputs: object; services: object[] } };

const web = (image = "docker.io/library/caddy:2.8"): Part => ({
  name: "web.container",
  content: `[Container]\nImage=${image}\nVolume=data.volume:/data\n`,
});
const data: Part = { name: "data.volume", content: "[Volume]\n" };

async function home() {
  const w = world();
  const { token, id } = await w.tenant();
  const send = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) =>
    w.request<T>(method, path, { token, headers: { "if-match": "*" }, ...(body !== undefined && { body }) });
  const put = <T = Saved>(
    parts: Part[],
    more: { query?: string; sums?: string; ifMatch?: string; key?: string } = {},
  ) =>
    upload<T>(w, formBytes(parts, more.sums), {
      token,
      ...(more.query && { query: more.query }),
      headers: {
        ...(more.ifMatch && { "if-match": more.ifMatch }),
        ...(more.key && { "idempotency-key": more.key }),
      },
    });
  return { w, id, token, send, put };
}
const staged = async (id: string, bucket = env.QUADLETS) =>
  (await bucket.list({ prefix: `uploads/${id}/` })).objects.map(({ key }) => key.slice(`uploads/${id}/`.length));
const versions = async (id: string) =>
  (
    await env.DB.prepare(
      "SELECT version, origin, pack, schema_version FROM configuration_versions WHERE workspace_id = ? ORDER BY version",
    )
      .bind(id)
      .all()
  ).results;

describe("an upload", () => {
  test("becomes a version that is checked, indexed and delivered like a render, byte for byte", async () => {
    const { w, id, send, put } = await home();
    const config: Part = { name: "app.bin", content: new Uint8Array([0, 255, 1, 254]) };
    const answer = await put([web(), data, config]);
    expect(answer).toMatchObject({
      status: 202,
      body: {
        data: {
          version: {
            version: 1,
            origin: "upload",
            schema_version: null,
            changes_summary: "app.bin added; data.volume added; web.container added",
          },
        },
      },
    });
    await w.deliver();
    const latest = await send<Rendered>("GET", "/config/latest?deployment=site");
    const { files, inputs, services } = latest.body.data.manifest;
    const expected = await Promise.all(
      [config, data, web()].map(async ({ name, content }) => ({ filename: name, sha256: await sha256Hex(content) })),
    );
    expect(files.map(({ filename, sha256 }) => ({ filename, sha256 }))).toEqual(expected);
    expect(inputs).toMatchObject({ pack: null, schema_version: null, pack_digest: null, podman_target: "5.4" });
    expect(services).toMatchObject([{ name: "web", type: "container" }]);
    const stored = await env.QUADLETS.get(`${id}/v1/app.bin`);
    expect(new Uint8Array(await stored!.arrayBuffer())).toEqual(config.content);
    expect(await env.MANIFESTS.get(`manifest:${id}:v1`, "json")).toMatchObject({ source: { type: "user_upload" } });
    expect(await staged(id, env.BACKUPS)).toHaveLength(3);
  });

  test("shares the sequence, the preview, the diff, the rollback and the deletion with saves", async () => {
    const { w, id, token, send, put } = await home();
    const { slug } = await w.admit(SMALL_PACK);
    await send("POST", "/configurations", { deployment_name: "site", pack: slug, config_data: { web: { port: 80 } } });
    await w.deliver();
    expect((await put([web(), data])).status).toBe(428);
    const before = await versions(id);
    const preview = await upload<Preview>(w, formBytes([web(), data]), { token, path: "/config/upload/preview" });
    expect(preview.body.data.diff.map(({ filename }) => filename)).toEqual([
      "data.volume",
      "greeting.txt",
      "web.container",
      "web.network",
    ]);
    expect(await versions(id)).toEqual(before);
    expect(await staged(id)).toEqual([]);
    expect((await put([web(), data], { ifMatch: '"1"' })).status).toBe(202);
    expect((await put([web(), data], { ifMatch: "*" })).body.data.unchanged).toBe(true);
    expect((await put([web("docker.io/library/caddy:2.9"), data], { ifMatch: '"1"' })).body.error.code).toBe(
      "version_conflict",
    );
    const second = await put([web("docker.io/library/caddy:2.9"), data], { ifMatch: '"2"' });
    expect(second.body.data.version.changes_summary).toBe("web.container changed");
    await w.deliver();
    const diff = await send<Preview>("GET", "/configurations/site/versions/3/diff");
    expect(diff.body.data.diff[0]!.unified).toContain(
      "-Image=docker.io/library/caddy:2.8\n+Image=docker.io/library/caddy:2.9\n",
    );
    expect((await send("PUT", "/configurations/site", { config_data: {} })).body.error.code).toBe(
      "configuration_uploaded",
    );

    const back = await send<Saved>("POST", "/configurations/site/rollback", { to: 2 });
    expect(back.body.data.version).toMatchObject({
      origin: "rollback",
      changes_summary: "Rolled back to version 2: web.container changed",
    });
    expect((await send("POST", "/configurations/site/rollback/preview", { to: 1 })).status).toBe(200);
    const toDecisions = await send<Saved>("POST", "/configurations/site/rollback", { to: 1 });
    expect(toDecisions.body.data.version).toMatchObject({ version: 5, schema_version: "v1.0.0" });
    expect((await send("POST", "/configurations/site/rollback", { to: 3 })).status).toBe(202);
    await send("DELETE", "/configurations/site");
    expect((await send<Saved>("POST", "/configurations/site/restore", {})).body.data.version).toMatchObject({
      version: 8,
    });
    await w.deliver();
    const last = await send<Rendered>("GET", "/config/8");
    expect(last.body.data.manifest.files).toEqual((await send<Rendered>("GET", "/config/3")).body.data.manifest.files);
  });

  test("with units that would not start is refused with all reasons, and stored by force with them as warnings", async () => {
    const { w, id, put, send } = await home();
    const broken = [{ name: "web.container", content: "[Container]\nVolume=gone.volume:/data\n" }];
    const refused = await put(broken);
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "upload_refused" } } });
    expect(refused.body.error.details!.map(({ code }) => code)).toContain("required_key");
    expect([await versions(id), await staged(id)]).toEqual([[], []]);
    expect((await put(broken, { query: "&force=true" })).status).toBe(202);
    await w.deliver();
    expect((await send("GET", "/renders/1")).body.data).toMatchObject({ state: "rendered" });
  });

  test("masks secrets that units hold in plain text, in previews and diffs", async () => {
    const { w, put, send } = await home();
    const unit = (secret: string): Part => ({
      name: "web.container",
      content: `[Container]\nImage=docker.io/library/caddy:2.8\nEnvironment=DB_PASSWORD=${secret}\n`,
    });
    await put([unit("canary-one")]);
    await put([unit("canary-two")], { ifMatch: "*" });
    await w.deliver();
    const diff = await send<Preview>("GET", "/configurations/site/versions/2/diff");
    expect(diff.body.data.diff[0]!.unified).toMatch(
      /-Environment=DB_PASSWORD=\[masked:\w+\]\n\+Environment=DB_PASSWORD=\[masked:\w+\]/,
    );
    expect(JSON.stringify(diff.body)).not.toContain("canary");
  });
});

describe("an upload that goes wrong is refused clearly, with nothing half stored", () => {
  const nothing = async (id: string) => {
    expect([await versions(id), await staged(id), await staged(id, env.BACKUPS)]).toEqual([[], [], []]);
  };

  test.each([1, 30, 200, 70_000])("cut off after %i bytes, by the network or by its end", async (length) => {
    const { w, id, token } = await home();
    const bytes = formBytes([web(), data, { name: "big.txt", content: "x".repeat(200_000) }]);
    const cut = await upload(w, bytes.slice(0, length), { token });
    const reset = await upload(w, bytes, { token, failAfter: length });
    for (const answer of [cut, reset])
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "upload_malformed" } } });
    await nothing(id);
  });

  test.each([
    "../web.container",
    "..",
    "a/b.container",
    "a\\\\b.container",
    ".hidden",
    "manifest.json",
    "we b.container",
    "x".repeat(129),
    "näh.txt",
  ])("a file named %s", async (name) => {
    const { id, put } = await home();
    const answer = await put([web(), data, { name, content: "x" }]);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "upload_name_invalid" } } });
    await nothing(id);
  });

  test("a name twice, or twice but for its case", async () => {
    const { id, put } = await home();
    for (const name of ["data.volume", "Data.volume"])
      expect((await put([web(), data, { name, content: "x" }])).body.error.code).toBe("upload_name_invalid");
    await nothing(id);
  });

  test("wrong checksums, of a part or of the list; right ones pass", async () => {
    const { id, put } = await home();
    const sum = await sha256Hex(data.content);
    const said = (sha256: string): Part => ({ ...data, headers: [`X-Checksum-Sha256: ${sha256}`] });
    const list = (sha256: string, name = data.name) => `${sha256}  ${name}\n`;
    const wrong = "0".repeat(64);
    expect((await put([web(), said(wrong)])).body.error.code).toBe("upload_checksum_mismatch");
    expect((await put([web(), data], { sums: list(wrong) })).body.error.code).toBe("upload_checksum_mismatch");
    expect((await put([web(), data], { sums: list(sum, "lost.volume") })).body.error.code).toBe(
      "upload_checksum_mismatch",
    );
    expect((await put([web(), data], { sums: "what is this" })).body.error.code).toBe("upload_malformed");
    await nothing(id);
    expect((await put([web(), said(sum.toUpperCase())], { sums: list(sum) })).status).toBe(202);
  });

  test("no file, no boundary, another type, no deployment", async () => {
    const { w, id, token, put } = await home();
    expect((await put([])).body.error.code).toBe("upload_malformed");
    const headers = { "content-type": "application/json" };
    expect((await upload(w, formBytes([web()]), { token, headers })).body.error.code).toBe("upload_malformed");
    const nameless = await upload(w, formBytes([web()]), { token, path: "/config/upload?x=1&" });
    expect(nameless.status).toBe(400);
    await nothing(id);
  });

  test("twice at once: one version, the other is told; with one key, both get the first", async () => {
    const { id, put } = await home();
    const both = await Promise.all([put([web(), data]), put([web("docker.io/library/caddy:2.9"), data])]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([202, 409]);
    const edits = await Promise.all([
      put([web("docker.io/library/caddy:3.0"), data], { ifMatch: '"1"', key: "k" }),
      put([web("docker.io/library/caddy:3.0"), data], { ifMatch: '"1"', key: "k" }),
    ]);
    expect(edits.map(({ body }) => body.data.version.version)).toEqual([2, 2]);
    expect((await put([data], { ifMatch: '"1"', key: "k" })).body.error.code).toBe("idempotency_key_reused");
    expect(await versions(id)).toHaveLength(2);
  });

  test("ten megabytes of units, in 200 files, are read, checked and placed", async () => {
    const { w, id, token, send } = await home();
    const line = "# a comment that makes this unit long, as people's units are not\n";
    const unit = `[Container]\nImage=docker.io/library/caddy:2.8\n${line.repeat(795)}`;
    const parts = Array.from({ length: 200 }, (_, index) => ({
      name: `unit-${index}.container`,
      content: `${unit}# ${index}\n`,
    }));
    const bytes = formBytes(parts);
    expect(bytes.byteLength).toBeGreaterThan(10_000_000);
    const startedAt = Date.now();
    expect((await upload(w, bytes, { token })).status).toBe(202);
    const acceptedMs = Date.now() - startedAt;
    await w.deliver();
    console.log(
      JSON.stringify({
        upload_bytes: bytes.byteLength,
        accepted_ms: acceptedMs,
        placed_ms: Date.now() - startedAt - acceptedMs,
      }),
    );
    expect((await send<Rendered>("GET", "/config/1")).body.data.manifest.files).toHaveLength(200);
    expect(await staged(id)).toHaveLength(200);
  });

  test("what was staged and never committed is collected after an hour; what a version ships never is, until it is purged", async () => {
    const { w, id, token, send, put } = await home();
    await put([web(), data]);
    const kept = await staged(id);
    const failing = world({
      ...w.deps,
      db: new Proxy(w.deps.db, {
        get: (target, name: keyof D1Database) => {
          if (name === "batch")
            return async (statements: D1PreparedStatement[]) => {
              if (statements.length > 6) throw new Error("D1_ERROR: Network connection lost.");
              return target.batch(statements);
            };
          const member = target[name] as unknown;
          return typeof member === "function" ? (member.bind(target) as unknown) : member;
        },
      }),
    });
    const lost = await upload(failing, formBytes([web("docker.io/library/lost:1"), data]), {
      token,
      headers: { "if-match": "*" },
    });
    expect(lost.status).toBe(503);
    expect(await staged(id)).toHaveLength(3);
    w.clock.advance(1800);
    await w.sweep();
    expect(await staged(id)).toHaveLength(3);
    w.clock.advance(1900);
    await w.sweep();
    expect(await staged(id)).toEqual(kept);
    await w.deliver();
    await send("DELETE", "/configurations/site");
    await send("POST", "/configurations/site/purge", { confirm: "site" });
    await w.sweep();
    expect(await staged(id)).toEqual([]);
  });

  test("a staged object that R2 has lost comes back from the backup bucket", async () => {
    const { w, id, send, put } = await home();
    await put([web(), data]);
    for (const sha256 of await staged(id)) await env.QUADLETS.delete(`uploads/${id}/${sha256}`);
    await w.deliver();
    expect((await send("GET", "/renders/1")).body.data).toMatchObject({ state: "rendered" });
    expect(await staged(id)).toHaveLength(2);
  });
});
