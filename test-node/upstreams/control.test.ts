import { spawn } from "node:child_process";
import { createHash, createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { createServer, request, type IncomingHttpHeaders } from "node:http";
import path from "node:path";
import { Octokit } from "@octokit/rest";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startUpstreams, type Upstreams } from "../../tools/upstreams/start-upstreams.ts";
import { makeFixtures, THREE_VERSIONS } from "./make-fixtures.ts";

const REPO = { owner: "leger-run", repo: "leger-templates" };
const HEADERS = { "user-agent": "test" };
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

let fixtures: Awaited<ReturnType<typeof makeFixtures>>;
let upstreams: Upstreams;
let clock: Date;

beforeEach(async () => {
  clock = new Date("2026-06-01T12:00:00.000Z");
  fixtures = await makeFixtures(THREE_VERSIONS);
  upstreams = await startUpstreams({ fixtures: fixtures.folder, now: () => clock });
  // Tests here ask anonymously and often.
  upstreams.control.setRateLimit({ anonymous: 1000 });
});

afterEach(async () => {
  await upstreams.close();
  await fixtures.remove();
});

const get = (where: string) =>
  fetch(`${upstreams.githubUrl}/repos/leger-run/leger-templates${where}`, { headers: HEADERS });
const tags = async () =>
  ((await (await get("/releases")).json()) as { tag_name: string }[]).map((release) => release.tag_name);
const release = async (tag: string) =>
  (await (await get(`/releases/tags/${tag}`)).json()) as {
    id: number;
    assets: { id: number; url: string; size: number; digest: string }[];
  };
const download = (url: string) => fetch(url, { headers: { ...HEADERS, accept: "application/octet-stream" } });
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const post = async (call: string, input?: unknown) => {
  const response = await fetch(`${upstreams.url}/__control/${call}`, {
    method: "POST",
    ...(input !== undefined && { body: JSON.stringify(input) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

describe("releases", () => {
  test("the project's own packs are released, each with the archive of its files", async () => {
    const own = await startUpstreams({ fixtures: path.join(import.meta.dirname, "../../templates-fixtures") });
    const released = own.control.releases();
    await own.close();
    expect(released.map(({ tag }) => tag)).toEqual(expect.arrayContaining(["v1.0.0", "v1.1.0"]));
    expect(released.flatMap(({ assets }) => assets.map(({ name }) => name))).toContain("leger-pack.tar.gz");
  });

  test("only the versions asked for are there at the start, and another is published later, on its fixture's files", async () => {
    const partly = await startUpstreams({
      fixtures: fixtures.folder,
      repositories: [{ fullName: "leger-run/leger-templates", fixtures: "leger", published: ["v1.0.0"] }],
    });
    const list = () => partly.control.releases().map(({ tag }) => tag);
    expect(list()).toEqual(["v1.0.0"]);
    const added = await partly.control.publishRelease({ tag: "v1.1.0" });
    await partly.close();
    expect(list()).toEqual(["v1.0.0", "v1.1.0"]);
    expect(added).toMatchObject({ assets: [], tagRef: { type: "tag" } });
    await expect(
      startUpstreams({
        fixtures: fixtures.folder,
        repositories: [{ fullName: "a/b", fixtures: "leger", published: ["v9.0.0"] }],
      }),
    ).rejects.toThrow("a/b has no fixture v9.0.0");
  });

  test("a draft is published, edited, taken back, removed and released again under a new id", async () => {
    const { control } = upstreams;
    control.editRelease({ release: "v2.0.0", draft: false, name: "Two" });
    expect(await tags()).toEqual(["v2.0.0", "v1.1.0", "v1.0.0"]);
    expect(control.releases().find(({ tag }) => tag === "v2.0.0")).toMatchObject({
      publishedAt: clock.toISOString(),
      name: "Two",
    });
    expect((await get("/git/ref/tags/v2.0.0")).status).toBe(200);
    control.editRelease({ release: "v2.0.0", draft: true });
    expect(await tags()).toEqual(["v1.1.0", "v1.0.0"]);
    const before = await release("v1.0.0");
    control.removeRelease({ release: "v1.0.0" });
    expect((await get("/git/ref/tags/v1.0.0")).status, "the tag outlives its release").toBe(200);
    await control.publishRelease({ tag: "v1.0.0" });
    expect((await release("v1.0.0")).id).not.toBe(before.id);
    expect((await release("v1.0.0")).assets[0]!.digest).toBe(before.assets[0]!.digest);
    control.removeRelease({ release: "v1.0.0", deleteTag: true });
    expect((await get("/git/ref/tags/v1.0.0")).status).toBe(404);
    await expect(control.publishRelease({ tag: "v1.1.0" })).rejects.toThrow("has a published release v1.1.0 already");
  });

  test("a release gets other bytes: of the pack, of the archive, or behind the API's back", async () => {
    const { control } = upstreams;
    const first = await release("v1.0.0");
    await control.replaceAsset({ release: "v1.0.0", files: { "schema.json": "{}", "a.txt": null } });
    const second = await release("v1.0.0");
    expect(second.assets[0]!.id).not.toBe(first.assets[0]!.id);
    expect(second.assets[0]!.digest).not.toBe(first.assets[0]!.digest);
    expect(sha256(await (await download(second.assets[0]!.url)).bytes())).toBe(second.assets[0]!.digest);

    await control.replaceAsset({ release: "v1.0.0", base64: Buffer.from("half").toString("base64"), silently: true });
    const third = await release("v1.0.0");
    expect(third).toEqual(second);
    expect(await (await download(third.assets[0]!.url)).text()).toBe("half");

    await control.replaceAsset({ release: "v1.0.0", base64: "AAAA", digest: null, size: 99 });
    expect((await release("v1.0.0")).assets[0]).toMatchObject({ digest: null, size: 99 });
    control.removeAsset({ release: "v1.0.0" });
    expect((await release("v1.0.0")).assets).toEqual([]);
  });

  test("a tag moves to another commit while its release stays", async () => {
    const before = await release("v1.0.0");
    const commit = async () => ((await (await get("/commits/v1.0.0")).json()) as { sha: string }).sha;
    const old = await commit();
    await upstreams.control.retagRelease({ release: "v1.0.0", files: { "schema.json": '{"type":"array"}' } });
    expect(await commit()).not.toBe(old);
    expect(await release("v1.0.0")).toEqual(before);
  });

  test("links and executables keep their mode in the tree", async () => {
    const base64 = Buffer.from("../../etc/passwd").toString("base64");
    await upstreams.control.publishRelease({
      tag: "v3.0.0",
      files: { "templates/link": { base64, mode: "120000" } },
      asset: false,
    });
    const tree = (await (await get("/git/trees/v3.0.0?recursive=1")).json()) as {
      tree: { path: string; mode: string }[];
    };
    expect(tree.tree.find(({ path }) => path === "templates/link")).toMatchObject({ mode: "120000", type: "blob" });
    expect(tree.tree.find(({ path }) => path === "templates")).toMatchObject({ mode: "040000", type: "tree" });
  });

  test("downloads move the list's ETag only where that is asked for", async () => {
    const etag = async () => (await get("/releases")).headers.get("etag");
    const { assets } = await release("v1.0.0");
    const before = await etag();
    await download(assets[0]!.url);
    expect(await etag()).toBe(before);
    upstreams.control.setGithub({ countsDownloads: true });
    await download(assets[0]!.url);
    expect(await etag()).not.toBe(before);
  });
});

describe("faults", () => {
  test("a status with headers meets the next matching requests and no others", async () => {
    const { control } = upstreams;
    control.injectFault({ path: "/releases$", times: 2, status: 503, headers: { "retry-after": "7" } });
    expect((await get("/git/ref/tags/v1.0.0")).status).toBe(200);
    const refused = await get("/releases");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "7"]);
    expect(control.faults()).toMatchObject([{ left: 1 }]);
    expect((await get("/releases")).status).toBe(503);
    expect((await get("/releases")).status).toBe(200);
    expect(control.requests().map(({ status, fault }) => [status, fault])).toEqual([
      [200, null],
      [503, 1],
      [503, 1],
      [200, null],
    ]);
  });

  test("a reset ends the connection, a hang never answers, a delay answers later", async () => {
    const { control } = upstreams;
    control.injectFault({ reset: true });
    await expect(get("/releases")).rejects.toThrow("fetch failed");
    control.injectFault({ hang: true });
    const signal = AbortSignal.timeout(100);
    await expect(fetch(`${upstreams.githubUrl}/rate_limit`, { headers: HEADERS, signal })).rejects.toThrow(/timeout/);
    control.injectFault({ delayMs: 80 });
    const started = performance.now();
    expect((await get("/releases")).status).toBe(200);
    expect(performance.now() - started).toBeGreaterThanOrEqual(75);
    expect(control.requests().map(({ status }) => status)).toEqual([null, null, 200]);
  });

  test("half a body arrives as an error, or as a sound 200", async () => {
    const { control } = upstreams;
    const { assets } = await release("v1.0.0");
    control.injectFault({ surface: "storage", cutBody: { bytes: 100, declare: "full" } });
    const broken = await download(assets[0]!.url);
    expect(broken.status).toBe(200);
    await expect(broken.bytes()).rejects.toThrow("terminated");
    control.injectFault({ surface: "storage", cutBody: { bytes: 100, declare: "cut" } });
    const cut = await download(assets[0]!.url);
    expect(await cut.bytes()).toHaveLength(100);
    expect((await (await download(assets[0]!.url)).bytes()).length).toBe(assets[0]!.size);
  });

  test("closing does not wait for what hangs", async () => {
    upstreams.control.injectFault({ hang: true });
    const hanging = get("/releases").catch(() => "ended");
    while (upstreams.control.requests().length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await upstreams.close();
    expect(await hanging).toBe("ended");
    upstreams = await startUpstreams({ fixtures: fixtures.folder });
  });
});

describe("over HTTP", () => {
  test("every call of the process is there, answers JSON, and says what is wrong with an input", async () => {
    const { calls } = (await (await fetch(`${upstreams.url}/__control`)).json()) as { calls: string[] };
    expect(calls.toSorted()).toEqual(Object.keys(upstreams.control).toSorted());
    expect((await post("publishRelease", { tag: "v4.0.0", fixture: "v1.0.0" })).body).toMatchObject({ tag: "v4.0.0" });
    expect((await post("injectFault", { status: 429 })).body).toEqual({ id: 1 });
    expect((await get("/releases")).status).toBe(429);
    const log = await (await fetch(`${upstreams.url}/__control/requests`)).json();
    expect(log).toMatchObject([{ method: "GET", path: "/repos/leger-run/leger-templates/releases", status: 429 }]);
    expect((await post("resetRequests")).status).toBe(200);
    expect(upstreams.control.requests()).toEqual([]);
    expect(await post("publishRelease", { tga: "v1" })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("tga") },
    });
    expect(await post("removeRelease", { release: "v9" })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining("has no release v9") },
    });
    expect((await post("nothing")).status).toBe(404);
    expect(await (await fetch(upstreams.url)).json()).toMatchObject({
      github: upstreams.githubUrl,
      tailscale: upstreams.tailscaleUrl,
    });
  });

  test("a web page cannot reach it, by an Origin or by a name that it points here", async () => {
    const from = (headers: Record<string, string>) =>
      new Promise((resolve, reject) => {
        request(`${upstreams.url}/__control/requests`, { headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect(await from({ origin: "https://example.com" })).toBe(403);
    expect(await from({ host: "rebound.example.com" })).toBe(403);
    expect(await from({})).toBe(200);
  });

  test("the program prints its addresses and ends cleanly on SIGTERM, even while a request hangs", async () => {
    const child = spawn(process.execPath, [
      path.join(import.meta.dirname, "../../tools/upstreams/main.ts"),
      "--port",
      "0",
      "--fixtures",
      fixtures.folder,
      "--published",
      "v1.0.0",
    ]);
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve([code, signal])));
    const line = await new Promise<string>((resolve) =>
      child.stdout.once("data", (data: Buffer) => resolve(data.toString())),
    );
    const addresses = JSON.parse(line) as { github: string; tailscale: string; control: string };
    const listed = await fetch(`${addresses.github}/repos/leger-run/leger-templates/releases`, { headers: HEADERS });
    expect(await listed.json()).toHaveLength(1);
    await fetch(`${addresses.control}/injectFault`, { method: "POST", body: JSON.stringify({ hang: true }) });
    const hanging = fetch(`${addresses.github}/rate_limit`, { headers: HEADERS }).catch(() => undefined);
    child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await hanging;
  });
});

describe("what later work needs", () => {
  test("changes of a release are announced by signed webhooks, and a delivery can be repeated with its id", async () => {
    const received: { headers: IncomingHttpHeaders; body: string }[] = [];
    const receiver = createServer(async (message, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      received.push({ headers: message.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(202).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
    const address = receiver.address() as { port: number };
    const { control } = upstreams;
    control.setWebhook({ url: `http://127.0.0.1:${address.port}/hook`, secret: "shared" });
    await control.publishRelease({ tag: "v1.2.0", fixture: "v1.0.0" });
    control.editRelease({ release: "v1.2.0", draft: true });
    control.removeRelease({ release: "v1.2.0" });
    const deliveries = await control.deliveries();
    expect(deliveries.map(({ event, action, status }) => [event, action, status])).toEqual([
      ["ping", null, 202],
      ["release", "created", 202],
      ["release", "published", 202],
      ["release", "released", 202],
      ["release", "unpublished", 202],
      ["release", "deleted", 202],
    ]);
    control.redeliver({ id: deliveries[2]!.id });
    await control.deliveries();
    receiver.close();
    const published = received.filter(({ headers }) => headers["x-github-delivery"] === deliveries[2]!.id);
    expect(published).toHaveLength(2);
    expect(published[0]!.body).toBe(published[1]!.body);
    expect(JSON.parse(published[0]!.body)).toMatchObject({
      action: "published",
      release: { tag_name: "v1.2.0" },
      repository: { full_name: "leger-run/leger-templates" },
    });
    for (const { headers, body } of received) {
      expect(headers["x-hub-signature-256"]).toBe(
        `sha256=${createHmac("sha256", "shared").update(body).digest("hex")}`,
      );
    }
  });

  test("a GitHub App signs a JWT and reads a private repository with the token it gets, for an hour", async () => {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const app = await startUpstreams({
      fixtures: fixtures.folder,
      now: () => clock,
      repositories: [{ fullName: "leger-run/leger-templates", fixtures: "leger", private: true }],
      apps: [
        { appId: "7", installationId: 70, publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() },
      ],
    });
    const seconds = Math.floor(clock.getTime() / 1000);
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const jwt = (claims: object) => {
      const signed = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
      return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
    };
    const mint = (token: string) =>
      new Octokit({ baseUrl: app.githubUrl, auth: token, log: SILENT }).rest.apps.createInstallationAccessToken({
        installation_id: 70,
      });
    const claims = { iss: "7", iat: seconds - 60, exp: seconds + 540 };
    const { data } = await mint(jwt(claims));
    const client = new Octokit({ baseUrl: app.githubUrl, auth: data.token, log: SILENT });
    expect((await client.rest.repos.listReleases(REPO)).data).toHaveLength(2);
    clock = new Date(clock.getTime() + 3_600_000);
    await expect(client.rest.repos.listReleases(REPO)).rejects.toMatchObject({ status: 401 });
    await expect(mint(jwt(claims)), "the JWT has expired too").rejects.toMatchObject({ status: 401 });
    await expect(mint(jwt({ ...claims, iss: "8" }))).rejects.toMatchObject({ status: 401 });
    await app.close();
  });
});
