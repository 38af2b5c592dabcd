import { createHash } from "node:crypto";
import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { Octokit } from "@octokit/rest";
import { unpackTar } from "modern-tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LOCAL_GITHUB_TOKEN } from "../../tools/upstreams/github-principals.ts";
import { startUpstreams, type Upstreams } from "../../tools/upstreams/start-upstreams.ts";
import { makeFixtures, PACK_FILES, THREE_VERSIONS } from "./make-fixtures.ts";

const REPO = { owner: "leger-run", repo: "leger-templates" };

let fixtures: Awaited<ReturnType<typeof makeFixtures>>;
let upstreams: Upstreams;
let clock: Date;

beforeEach(async () => {
  clock = new Date("2026-06-01T12:00:00.000Z");
  fixtures = await makeFixtures(THREE_VERSIONS);
  upstreams = await startUpstreams({
    fixtures: fixtures.folder,
    now: () => clock,
    tokens: [
      { token: LOCAL_GITHUB_TOKEN },
      { token: "pusher", push: true },
      { token: "elsewhere", repositories: ["other/repo"] },
    ],
  });
});

afterEach(async () => {
  await upstreams.close();
  await fixtures.remove();
});

const octokit = (auth?: string) =>
  new Octokit({ baseUrl: upstreams.githubUrl, ...(auth !== undefined && { auth }), log: silent });
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** What Octokit throws for a refused request. */
async function refusal(promise: Promise<unknown>) {
  return promise.then(
    () => expect.fail("the request was not refused"),
    (error: unknown) =>
      error as { status: number; response: { headers: Record<string, string>; data: Record<string, string> } },
  );
}

async function unpack(archive: Uint8Array): Promise<Record<string, string>> {
  const entries = await unpackTar(gunzipSync(archive));
  return Object.fromEntries(entries.map((entry) => [entry.header.name, new TextDecoder().decode(entry.data)]));
}

describe("releases", () => {
  test("lists published releases newest first, with the fields of the asset", async () => {
    const { data } = await octokit().rest.repos.listReleases(REPO);
    expect(data.map((release) => release.tag_name)).toEqual(["v1.1.0", "v1.0.0"]);
    const [asset] = data[1]!.assets;
    expect(asset).toMatchObject({ name: "leger-pack.tar.gz", state: "uploaded", content_type: "application/gzip" });
    expect(asset!.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(data[0]).toMatchObject({ assets: [], body: "notes", draft: false, prerelease: false, immutable: false });
  });

  test("shows drafts only to a token that may push, and never by tag", async () => {
    const { data } = await octokit("pusher").rest.repos.listReleases(REPO);
    expect(data.map((release) => [release.tag_name, release.draft])).toEqual([
      ["v2.0.0", true],
      ["v1.1.0", false],
      ["v1.0.0", false],
    ]);
    expect((await octokit(LOCAL_GITHUB_TOKEN).rest.repos.listReleases(REPO)).data).toHaveLength(2);
    expect((await refusal(octokit("pusher").rest.repos.getReleaseByTag({ ...REPO, tag: "v2.0.0" }))).status).toBe(404);
    expect((await refusal(octokit().rest.repos.getRelease({ ...REPO, release_id: data[0]!.id }))).status).toBe(404);
    expect((await refusal(octokit().rest.git.getRef({ ...REPO, ref: "tags/v2.0.0" }))).status).toBe(404);
  });

  test("pages through 230 releases by Link headers, each exactly once", async () => {
    for (let patch = 1; patch <= 228; patch += 1) {
      clock = new Date(clock.getTime() + 60_000);
      await upstreams.control.publishRelease({ tag: `v1.2.${patch}`, files: { "schema.json": "{}" }, asset: false });
    }
    const client = octokit(LOCAL_GITHUB_TOKEN);
    const all = await client.paginate(client.rest.repos.listReleases, { ...REPO, per_page: 100 });
    expect(all).toHaveLength(230);
    expect(new Set(all.map((release) => release.id)).size).toBe(230);
    expect(all[0]!.tag_name).toBe("v1.2.228");
    expect(upstreams.control.requests().filter(({ path }) => path.includes("/releases"))).toHaveLength(3);
    const middle = await client.rest.repos.listReleases({ ...REPO, per_page: 100, page: 2 });
    const rels = [...middle.headers.link!.matchAll(/[?&]page=(\d+)>; rel="(\w+)"/g)].map(
      ([, page, rel]) => `${rel} ${page}`,
    );
    expect(rels).toEqual(["prev 1", "next 3", "last 3", "first 1"]);
    const beyond = await client.rest.repos.listReleases({ ...REPO, per_page: 100, page: 9 });
    expect(beyond.data).toEqual([]);
    const capped = await client.rest.repos.listReleases({ ...REPO, per_page: 1000 });
    expect(capped.data).toHaveLength(100);
    expect((await client.rest.repos.listReleases(REPO)).data).toHaveLength(30);
  });

  test("answers by id, by tag, the latest that is no prerelease, and the assets' list", async () => {
    const client = octokit();
    await upstreams.control.publishRelease({ tag: "v1.2.0-rc.1", fixture: "v1.0.0", prerelease: true });
    const { data: latest } = await client.rest.repos.getLatestRelease(REPO);
    expect(latest.tag_name).toBe("v1.1.0");
    const { data: byTag } = await client.rest.repos.getReleaseByTag({ ...REPO, tag: "v1.0.0" });
    const { data: byId } = await client.rest.repos.getRelease({ ...REPO, release_id: byTag.id });
    expect(byId).toEqual(byTag);
    const { data: assets } = await client.rest.repos.listReleaseAssets({ ...REPO, release_id: byTag.id });
    expect(assets).toEqual(byTag.assets);
  });
});

describe("assets", () => {
  test("a download follows the redirect to bytes of the declared size and digest, which are the pack", async () => {
    const client = octokit(LOCAL_GITHUB_TOKEN);
    const { data: release } = await client.rest.repos.getReleaseByTag({ ...REPO, tag: "v1.0.0" });
    const asset = release.assets[0]!;
    const { data } = await client.rest.repos.getReleaseAsset({
      ...REPO,
      asset_id: asset.id,
      headers: { accept: "application/octet-stream" },
    });
    const bytes = new Uint8Array(data as unknown as ArrayBuffer);
    expect(bytes).toHaveLength(asset.size);
    expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(asset.digest);
    expect(await unpack(bytes)).toEqual(PACK_FILES);
    expect(upstreams.control.requests().map(({ surface, status }) => [surface, status])).toEqual([
      ["github", 200],
      ["github", 302],
      ["storage", 200],
    ]);
    const { data: described } = await client.rest.repos.getReleaseAsset({ ...REPO, asset_id: asset.id });
    expect(described).toEqual(asset);
  });

  test("the link of a redirect works for five minutes and for its own asset only", async () => {
    const { data: release } = await octokit().rest.repos.getReleaseByTag({ ...REPO, tag: "v1.0.0" });
    const asset = release.assets[0]!;
    const headers = { accept: "application/octet-stream", "user-agent": "test" };
    const redirect = await fetch(asset.url, { headers, redirect: "manual" });
    expect(redirect.status).toBe(302);
    const link = redirect.headers.get("location")!;
    expect((await fetch(link)).status).toBe(200);
    expect((await fetch(link.replace(`/assets/${asset.id}`, `/assets/${asset.id + 1}`))).status).toBe(403);
    clock = new Date(clock.getTime() + 301_000);
    expect((await fetch(link)).status).toBe(403);
    expect((await fetch(asset.browser_download_url)).status).toBe(200);
  });

  test("the same files give the same archive on another server, whatever the order they were written in", async () => {
    const other = await makeFixtures({
      leger: { "v1.0.0": { files: Object.fromEntries(Object.entries(PACK_FILES).toReversed()) } },
    });
    const second = await startUpstreams({ fixtures: other.folder });
    const [here] = upstreams.control.releases();
    const [there] = second.control.releases();
    await second.close();
    await other.remove();
    expect(there!.assets[0]!.digest).toBe(here!.assets[0]!.digest);
    expect(there!.commit).toBe(here!.commit);
    // Pinned: an archive that differs between machines would look like a known version with other bytes.
    expect(here!.assets[0]!.digest).toBe("sha256:434dcd3e0bb1f2128d75d546d3f88d641726e8cd2eb601103425aa6821055e42");
  });
});

describe("git objects", () => {
  test.each(["v1.0.0", "v1.1.0"])("tag, commit, tree and blobs of %s reassemble the identical pack", async (tag) => {
    const client = octokit(LOCAL_GITHUB_TOKEN);
    const { data: ref } = await client.rest.git.getRef({ ...REPO, ref: `tags/${tag}` });
    expect(ref.object.type).toBe(tag === "v1.1.0" ? "tag" : "commit");
    const commitSha =
      ref.object.type === "tag"
        ? (await client.rest.git.getTag({ ...REPO, tag_sha: ref.object.sha })).data.object.sha
        : ref.object.sha;
    const { data: commit } = await client.rest.git.getCommit({ ...REPO, commit_sha: commitSha });
    const { data: tree } = await client.rest.git.getTree({ ...REPO, tree_sha: commit.tree.sha, recursive: "1" });
    expect(tree.truncated).toBe(false);
    const files: Record<string, string> = {};
    for (const entry of tree.tree.filter(({ type }) => type === "blob")) {
      const { data: blob } = await client.rest.git.getBlob({ ...REPO, file_sha: entry.sha });
      const bytes = Buffer.from(blob.content, "base64");
      expect(bytes).toHaveLength(entry.size!);
      expect(createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")).toBe(entry.sha);
      files[entry.path] = bytes.toString();
    }
    expect(files).toEqual(tag === "v1.1.0" ? { ...PACK_FILES, a0: "changed\n" } : PACK_FILES);
  });

  test("a commit is found by tag, branch, full and short name, and as a bare name", async () => {
    const client = octokit(LOCAL_GITHUB_TOKEN);
    const { data: commit } = await client.rest.repos.getCommit({ ...REPO, ref: "v1.1.0" });
    for (const ref of ["tags/v1.1.0", commit.sha, commit.sha.slice(0, 10)]) {
      const { data } = await client.rest.repos.getCommit({ ...REPO, ref });
      expect({ ref, sha: data.sha }).toEqual({ ref, sha: commit.sha });
    }
    expect(commit.parents).toHaveLength(1);
    const bare = await client.rest.repos.getCommit({ ...REPO, ref: "v1.1.0", mediaType: { format: "sha" } });
    expect(bare.data).toBe(commit.sha);
    expect((await refusal(client.rest.repos.getCommit({ ...REPO, ref: "v9" }))).status).toBe(422);
  });

  test("a tree beyond the limit says that it is cut", async () => {
    upstreams.control.setGithub({ treeEntriesMax: 3 });
    const { data } = await octokit().rest.git.getTree({ ...REPO, tree_sha: "v1.0.0", recursive: "1" });
    expect(data.truncated).toBe(true);
    expect(data.tree).toHaveLength(3);
  });
});

describe("conditional requests and limits", () => {
  test("an unchanged list is 304 without a body, a changed one is 200 with another ETag", async () => {
    const client = octokit(LOCAL_GITHUB_TOKEN);
    const first = await client.rest.repos.listReleases(REPO);
    const etag = first.headers.etag!;
    expect(etag).toMatch(/^W\/"[0-9a-f]{64}"$/);
    const headers = { "if-none-match": etag };
    const same = await refusal(client.rest.repos.listReleases({ ...REPO, headers }));
    expect(same.status).toBe(304);
    expect(same.response.headers.etag).toBe(etag);
    upstreams.control.editRelease({ release: "v1.0.0", body: "other words" });
    const changed = await client.rest.repos.listReleases({ ...REPO, headers });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });

  test("another token has another ETag, and Last-Modified works where there is one", async () => {
    const first = await octokit(LOCAL_GITHUB_TOKEN).rest.repos.get(REPO);
    const headers = { "if-none-match": first.headers.etag! };
    expect((await octokit("pusher").rest.repos.get({ ...REPO, headers })).status).toBe(200);
    const since = { "if-modified-since": first.headers["last-modified"]! };
    expect((await refusal(octokit("pusher").rest.repos.get({ ...REPO, headers: since }))).status).toBe(304);
  });

  test("a 304 is free with a token and costs one without", async () => {
    for (const [auth, cost] of [
      [LOCAL_GITHUB_TOKEN, 0],
      [undefined, 1],
    ] as const) {
      const client = octokit(auth);
      const first = await client.rest.repos.listReleases(REPO);
      const headers = { "if-none-match": first.headers.etag! };
      const second = await refusal(client.rest.repos.listReleases({ ...REPO, headers }));
      expect(second.status).toBe(304);
      const used = Number(second.response.headers["x-ratelimit-used"]) - Number(first.headers["x-ratelimit-used"]);
      expect({ auth, used }).toEqual({ auth, used: cost });
    }
  });

  test("the sixty-first anonymous request in an hour is refused, a token's is not, and the hour passes", async () => {
    const client = octokit();
    const first = await client.rest.repos.get(REPO);
    expect(first.headers["x-ratelimit-limit"]).toBe("60");
    for (let count = 2; count <= 60; count += 1) await client.rest.repos.get(REPO);
    const refused = await refusal(client.rest.repos.get(REPO));
    expect(refused.status).toBe(403);
    expect(refused.response.headers).toMatchObject({ "x-ratelimit-remaining": "0", "x-ratelimit-resource": "core" });
    expect(refused.response.data.message).toMatch(/^API rate limit exceeded for /);
    const reset = Number(refused.response.headers["x-ratelimit-reset"]);
    expect(reset).toBe(clock.getTime() / 1000 + 3600);
    const known = await octokit(LOCAL_GITHUB_TOKEN).rest.repos.get(REPO);
    expect(known.headers["x-ratelimit-remaining"]).toBe("4999");
    expect((await client.rest.rateLimit.get()).data.rate).toMatchObject({ limit: 60, remaining: 0, reset });
    clock = new Date(reset * 1000);
    expect((await client.rest.repos.get(REPO)).headers["x-ratelimit-used"]).toBe("1");
  });

  test("a test may impose what is left of the limit", async () => {
    upstreams.control.setRateLimit({ authenticated: 100, remaining: 1, resetInSeconds: 30 });
    const client = octokit(LOCAL_GITHUB_TOKEN);
    expect((await client.rest.repos.get(REPO)).headers["x-ratelimit-remaining"]).toBe("0");
    expect((await refusal(client.rest.repos.get(REPO))).status).toBe(403);
    clock = new Date(clock.getTime() + 30_000);
    expect((await client.rest.repos.get(REPO)).headers["x-ratelimit-remaining"]).toBe("99");
  });
});

describe("refusals", () => {
  test("what is not there is a 404 in GitHub's words, and a bad token a 401", async () => {
    const missing = await refusal(octokit().rest.repos.getReleaseByTag({ ...REPO, tag: "v9.9.9" }));
    expect(missing.status).toBe(404);
    expect(missing.response.data).toEqual({
      message: "Not Found",
      documentation_url: "https://docs.github.com/rest/releases/releases#get-a-release-by-tag-name",
      status: "404",
    });
    const client = octokit();
    expect((await refusal(client.rest.repos.get({ ...REPO, repo: "none" }))).status).toBe(404);
    expect((await refusal(client.rest.repos.getRelease({ ...REPO, release_id: 1 }))).status).toBe(404);
    expect((await refusal(client.rest.git.getBlob({ ...REPO, file_sha: "0".repeat(40) }))).status).toBe(404);
    const bad = await refusal(octokit("expired").rest.repos.get(REPO));
    expect(bad.status).toBe(401);
    expect(bad.response.data.message).toBe("Bad credentials");
  });

  test("a request without a User-Agent is refused, as Workers send none by themselves", async () => {
    const status = await new Promise((resolve, reject) => {
      request(`${upstreams.githubUrl}/repos/leger-run/leger-templates`, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on("error", reject)
        .end();
    });
    expect(status).toBe(403);
  });

  test("a private repository exists for tokens that may read it, a renamed one moves, a gone one is gone", async () => {
    const { control } = upstreams;
    control.editRepository({ private: true });
    expect((await refusal(octokit().rest.repos.get(REPO))).status).toBe(404);
    expect((await refusal(octokit("elsewhere").rest.repos.get(REPO))).status).toBe(404);
    expect((await octokit(LOCAL_GITHUB_TOKEN).rest.repos.get(REPO)).data.private).toBe(true);
    control.editRepository({ private: false, fullName: "leger-run/packs" });
    const manual = { request: { redirect: "manual" as const } };
    const moved = await octokit().request("GET /repos/{owner}/{repo}/releases", { ...REPO, ...manual });
    expect(moved.status).toBe(301);
    expect(moved.headers.location).toMatch(/\/github\/repositories\/\d+\/releases$/);
    expect((await octokit().rest.repos.listReleases(REPO)).data).toHaveLength(2);
    control.editRepository({ gone: true });
    expect((await refusal(octokit().rest.repos.listReleases({ ...REPO, repo: "packs" }))).status).toBe(404);
  });
});
