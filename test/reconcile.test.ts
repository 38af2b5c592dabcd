import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Settings } from "#core/settings.ts";
import { type SyncOutcome, syncRepository } from "#registry/sync-repository.ts";
import { control } from "./upstream-control.ts";
import { world } from "./world.ts";

type Request = { method: string; path: string; status: number | null };
type Row = { version: string; status: string; alarm: string | null; yanked_reason: string | null; pack_digest: string };

let repositories = 0;

/** A registry over a repository of its own, which only this test changes. Real time, since the upstreams are. */
async function registry(options: { settings?: Partial<Settings>; private?: boolean; published?: string[] } = {}) {
  const w = world();
  w.clock.at = new Date();
  const repository = `tests/reconcile-${++repositories}`;
  await control("addRepository", {
    fullName: repository,
    fixtures: "leger",
    published: options.published ?? ["v1.0.0"],
    ...(options.private && { private: true }),
  });
  w.deps.settings = { ...w.deps.settings, PACK_REPOSITORIES: { [w.name]: repository }, ...options.settings };
  const sync = (): Promise<SyncOutcome> => syncRepository(w.deps, { pack: w.name, repository });
  const rows = async () =>
    (
      await env.DB.prepare(
        "SELECT version, status, alarm, yanked_reason, pack_digest FROM schemas WHERE pack = ? ORDER BY version",
      )
        .bind(w.name)
        .all<Row>()
    ).results;
  const audited = async () =>
    (
      await env.DB.prepare("SELECT action FROM audit_log WHERE target LIKE ? ORDER BY seq")
        .bind(`schema:${w.name}/%`)
        .all<{ action: string }>()
    ).results.map(({ action }) => action);
  const at = (name: string, input: object = {}) => control(name, { repository, ...input });
  const requests = async () =>
    (await control<Request[]>("requests", { surface: "github" })).filter(({ path }) => path.includes(repository));
  /** The next daily pass. */
  const nextDay = () => w.clock.advance(24 * 3600);
  return { w, repository, sync, rows, audited, at, requests, nextDay };
}

/** A small pack, in which only what a test gives differs. */
const small = (more: Record<string, string> = {}) => ({
  fixture: "v1.0.0",
  files: more,
});

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000, authenticated: 1_000_000 });
  await control("resetRequests");
});

/** A key of an app as GitHub gives it out, in PEM. */
async function rsaKey(): Promise<{ privateKey: string; publicKey: string }> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: "SHA-256",
  };
  const pair = (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
  const pem = async (format: "pkcs8" | "spki", label: string) => {
    const key = format === "pkcs8" ? pair.privateKey : pair.publicKey;
    const bytes = new Uint8Array((await crypto.subtle.exportKey(format, key)) as ArrayBuffer);
    const text = btoa(String.fromCharCode(...bytes)).replaceAll(/.{64}/g, "$&\n");
    return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`;
  };
  return { privateKey: await pem("pkcs8", "PRIVATE KEY"), publicKey: await pem("spki", "PUBLIC KEY") };
}

const reasonOf = (outcome: SyncOutcome, tag: string) => outcome.skipped.find((one) => one.tag === tag)?.reason;

describe("a release", () => {
  test("that is a draft is skipped until it is published", async () => {
    const { sync, at, rows } = await registry();
    await at("publishRelease", { tag: "v1.1.0", draft: true });
    await sync();
    await at("editRelease", { release: "v1.1.0", draft: false });
    expect((await sync()).admitted).toEqual(["v1.1.0"]);
    expect((await rows()).map(({ version }) => version)).toEqual(["v1.0.0", "v1.1.0"]);
  });

  test("that is marked as a prerelease waits if its version is none, and is admitted if it is one", async () => {
    const { sync, at, rows } = await registry();
    await at("publishRelease", { tag: "v1.1.0", prerelease: true });
    await at("publishRelease", { tag: "v1.2.0-rc.1", ...small(), prerelease: true });
    const outcome = await sync();
    expect(reasonOf(outcome, "v1.1.0")).toMatch(/marked as a prerelease/);
    expect((await rows()).map(({ version }) => version)).toEqual(["v1.0.0", "v1.2.0-rc.1"]);
  });

  test("that is edited changes nothing", async () => {
    const { sync, at, rows, audited } = await registry();
    await sync();
    const before = await rows();
    await at("editRelease", { release: "v1.0.0", name: "Another name", body: "Other words" });
    expect(await sync()).toMatchObject({ result: "synced", admitted: [], skipped: [] });
    expect(await rows()).toEqual(before);
    expect(await audited()).toEqual(["schema.admitted"]);
  });

  test("that is deleted is yanked once, keeps its pack, and comes back when it is published again", async () => {
    const { w, sync, at, rows, audited } = await registry({ published: ["v1.0.0", "v1.1.0"] });
    await sync();
    await at("removeRelease", { release: "v1.1.0" });
    await sync();
    await sync();
    const [, yanked] = await rows();
    expect(yanked).toMatchObject({ version: "v1.1.0", status: "yanked", yanked_reason: "its release was deleted" });
    expect(await env.QUADLETS.head(`packs/${w.name}/v1.1.0/${yanked!.pack_digest}.json`)).not.toBeNull();
    const { token } = await w.tenant();
    const refused = await w.request("POST", "/configurations", {
      token,
      body: { deployment_name: "a", pack: w.name, schema_version: "v1.1.0", config_data: {} },
    });
    expect(refused).toMatchObject({ status: 400, body: { error: { code: "schema_version_unknown" } } });
    await at("publishRelease", { tag: "v1.1.0" });
    await sync();
    expect((await rows())[1]).toMatchObject({ status: "ready", yanked_reason: null });
    expect(await audited()).toEqual(["schema.admitted", "schema.admitted", "schema.yanked", "schema.restored"]);
  });

  test("that is published again with other bytes stays what was admitted, yanked, with an alarm", async () => {
    const { sync, at, rows } = await registry({ published: ["v1.0.0", "v1.1.0"] });
    await sync();
    const before = (await rows())[1]!;
    await at("removeRelease", { release: "v1.1.0" });
    await sync();
    await at("publishRelease", { tag: "v1.1.0", ...small({ "templates/extra.txt.j2": "more" }) });
    await sync();
    expect((await rows())[1]).toMatchObject({ status: "yanked", pack_digest: before.pack_digest });
    expect(JSON.parse((await rows())[1]!.alarm!)).toMatchObject({ code: "tampered" });
  });

  test("whose asset is replaced raises one alarm, and the admitted pack stays", async () => {
    const { w, sync, at, rows, audited } = await registry();
    await sync();
    const before = (await rows())[0]!;
    await at("replaceAsset", { release: "v1.0.0", files: { "schema.json": '{"type":"object"}' } });
    for (let times = 0; times < 3; times++) {
      w.clock.advance(3600);
      expect(reasonOf(await sync(), "v1.0.0") ?? "unchanged").toMatch(/other bytes|unchanged/);
    }
    expect((await rows())[0]).toMatchObject({ status: "ready", pack_digest: before.pack_digest });
    expect(await audited()).toEqual(["schema.admitted", "schema.tampered"]);
    expect(w.lines.filter(({ event }) => event === "schema.tampered")).toHaveLength(1);
  });

  test("whose asset goes raises an alarm, and a new one without an asset is read from its tag's tree", async () => {
    const { sync, at, rows } = await registry();
    await sync();
    await at("removeAsset", { release: "v1.0.0" });
    await at("publishRelease", { tag: "v1.1.0", asset: false });
    expect((await sync()).admitted).toEqual(["v1.1.0"]);
    expect(JSON.parse((await rows())[0]!.alarm!)).toMatchObject({ code: "asset_missing" });
  });

  test("whose tag moves is noticed by the daily pass: an asset is what it was, a tree is not", async () => {
    const { sync, at, rows, nextDay } = await registry();
    await at("publishRelease", { tag: "v1.1.0", asset: false });
    await sync();
    for (const release of ["v1.0.0", "v1.1.0"])
      await at("retagRelease", { release, files: { "templates/x.txt.j2": "x" } });
    await sync();
    expect((await rows()).map(({ alarm }) => alarm)).toEqual([null, null]);
    nextDay();
    await sync();
    expect((await rows()).map(({ alarm }) => (JSON.parse(alarm!) as { code: string }).code)).toEqual([
      "retagged",
      "tampered",
    ]);
  });

  test.each([
    ["is cut short", { files: {}, silently: true, base64: btoa("half") }],
    ["does not match its digest", { files: {}, digest: `sha256:${"0".repeat(64)}` }],
    ["has another size than announced", { files: {}, size: 99 }],
  ])("whose asset %s is tried again, and holds up no other", async (_, { files: _files, ...damage }) => {
    const { w, sync, at, rows } = await registry({ published: ["v1.0.0", "v1.1.0"] });
    await at("replaceAsset", { release: "v1.0.0", ...("base64" in damage ? {} : { files: {} }), ...damage });
    expect(await sync()).toMatchObject({ result: "failed", admitted: ["v1.1.0"], failures: 1 });
    expect((await rows()).map(({ version }) => version)).toEqual(["v1.1.0"]);
    await at("replaceAsset", { release: "v1.0.0", files: {} });
    w.clock.advance(3600);
    expect(await sync()).toMatchObject({ result: "synced", admitted: ["v1.0.0"] });
  });

  test("of a version that another tag has too, or of a tag that is no version, is skipped", async () => {
    const { sync, at, rows } = await registry();
    for (const tag of ["1.0.0", "v1.0.0+rebuilt", "nightly", "v1"]) await at("publishRelease", { tag, ...small() });
    const outcome = await sync();
    expect(outcome.skipped.map(({ reason }) => reason)).toEqual(
      Array.from({ length: 4 }, () => "the tag is no version"),
    );
    expect(await rows()).toHaveLength(1);
  });

  test("by somebody who is no trusted publisher, or that can be changed, is skipped where that is asked", async () => {
    const rules = (slug: string, rule: { publishers?: string[]; require_immutable?: boolean }) => ({
      [slug]: { publishers: [], require_immutable: false, ...rule },
    });
    const { w, sync, at } = await registry();
    w.deps.settings.PACK_RULES = rules(w.name, { publishers: ["somebody-else"] });
    expect(reasonOf(await sync(), "v1.0.0")).toMatch(/no trusted publisher/);
    w.deps.settings.PACK_RULES = rules(w.name, { require_immutable: true });
    await at("editRelease", { release: "v1.0.0", body: "moves the ETag" });
    expect(reasonOf(await sync(), "v1.0.0")).toMatch(/not immutable/);
    await at("editRelease", { release: "v1.0.0", immutable: true });
    expect((await sync()).admitted).toEqual(["v1.0.0"]);
  });

  test("that is quarantined is stored with its report and chosen by nobody", async () => {
    const { w, sync, at, rows } = await registry();
    await at("publishRelease", { tag: "v1.0.1", ...small({ "templates/x.txt.j2": "{{ nowhere }}" }) });
    expect(await sync()).toMatchObject({ admitted: ["v1.0.0"], quarantined: ["v1.0.1"] });
    expect((await rows())[1]).toMatchObject({ status: "quarantined" });
    const { token } = await w.tenant();
    const read = await w.request<{ report: { code: string; place: { file: string; line: number } }[] }>(
      "GET",
      `/schemas/v1.0.1?pack=${w.name}`,
      { token },
    );
    expect(read.body.data.report[0]).toMatchObject({
      code: "unknown_variable",
      place: { file: "templates/x.txt.j2", line: 1 },
    });
  });
});

describe("a repository", () => {
  test("with hundreds of releases is read page by page, some admissions at a time, and ends complete", async () => {
    const { w, sync, at, rows } = await registry();
    for (let n = 1; n <= 110; n++) await at("publishRelease", { tag: `nightly-${n}`, ...small(), asset: false });
    for (let n = 1; n <= 8; n++) await at("publishRelease", { tag: `v1.0.${n}`, ...small() });
    const outcomes = [await sync()];
    while (outcomes.at(-1)!.admitted.length > 0 && outcomes.length < 9) outcomes.push(await sync());
    expect(outcomes.map(({ admitted }) => admitted.length)).toEqual([6, 3, 0]);
    expect((await rows()).every(({ status }) => status === "ready")).toBe(true);
    w.clock.advance(60);
    expect((await sync()).result).toBe("unchanged");
  });

  test("at rest is one conditional request an hour, all 304, and a full pass a day", async () => {
    const { w, sync, requests } = await registry({ published: ["v1.0.0", "v1.1.0"] });
    await sync();
    await sync();
    await control("resetRequests");
    for (let hour = 1; hour <= 22; hour++) {
      w.clock.advance(3600);
      await sync();
    }
    expect((await requests()).map(({ status }) => status)).toEqual(Array.from({ length: 22 }, () => 304));
    await control("resetRequests");
    w.clock.advance(2 * 3600);
    await sync();
    expect((await requests()).filter(({ path }) => path.includes("/git/ref"))).toHaveLength(2);
  });

  test("that was renamed is followed", async () => {
    const { repository, sync, at, rows } = await registry();
    await sync();
    await at("publishRelease", { tag: "v1.1.0" });
    await control("editRepository", { repository, fullName: `${repository}-renamed` });
    expect((await sync()).admitted).toEqual(["v1.1.0"]);
    expect(await rows()).toHaveLength(2);
  });

  test("that is gone keeps everything that was admitted", async () => {
    const { sync, at, rows } = await registry();
    await sync();
    await at("editRepository", { gone: true });
    expect((await sync()).result).toBe("gone");
    expect((await rows()).map(({ status }) => status)).toEqual(["ready"]);
  });

  test("that is private is read with a token, and looks gone without one", async () => {
    const { w, sync } = await registry({ private: true });
    expect((await sync()).result).toBe("gone");
    w.deps.settings.GITHUB_TOKEN = "local-github-token";
    expect((await sync()).admitted).toEqual(["v1.0.0"]);
  });

  test("that is private is read with an app's installation token, which is asked for once in its life", async () => {
    const { w, repository, sync } = await registry({ private: true });
    const [app, stranger] = [await rsaKey(), await rsaKey()];
    const installationId = 4000 + repositories;
    await control("addApp", { appId: "7", installationId, publicKey: app.publicKey, repositories: [repository] });
    const use = (private_key: string) => {
      w.deps.settings.GITHUB_APP = { app_id: "7", installation_id: String(installationId), private_key };
    };
    const exchanges = async () =>
      (await control<Request[]>("requests", { surface: "github" })).filter(
        ({ path }) => path === `/app/installations/${installationId}/access_tokens`,
      ).length;
    use(stranger.privateKey);
    expect((await sync()).result).toBe("failed");
    await control("resetRequests");
    use(app.privateKey);
    expect((await sync()).admitted).toEqual(["v1.0.0"]);
    w.clock.advance(54 * 60);
    expect((await sync()).result).toBe("unchanged");
    expect(await exchanges()).toBe(1);
    w.clock.advance(2 * 60);
    await sync(); // asks anew, and is refused: GitHub's clock has not moved, and the proof is of an hour that is to come
    expect(await exchanges()).toBe(2);
  });
});
