import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "#core/digest.ts";
import { Manifest } from "#core/manifest.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

type Latest = {
  deployment: string;
  version: number;
  deleted: boolean;
  manifest: Manifest | null;
  files: { filename: string; path: string; sha256: string }[];
};
type Links = { expires_at: string; files: { filename: string; url: string; sha256: string }[] };

async function deployed() {
  const w = world();
  const tenant = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const create = (name: string, port: number) =>
    w.request("POST", "/configurations", {
      token: tenant.token,
      body: { deployment_name: name, pack: slug, config_data: { web: { port } } },
    });
  await create("site", 80);
  await w.deliver();
  return {
    w,
    create,
    ...tenant,
    latest: (query = "", headers = {}) =>
      w.request<Latest>("GET", `/config/latest${query}`, { token: tenant.token, headers }),
  };
}

const path = (url: string) => url.replace(/^https?:\/\/[^/]+/, "");

describe("a device", () => {
  test("goes on with an interrupted download after its links have expired, on a 304", async () => {
    const { w, token, latest } = await deployed();
    const first = await latest();
    const etag = first.headers.get("etag")!;
    const links = await w.request<Links>("POST", "/config/1/links", { token });
    expect(links.body.data.files.map(({ filename }) => filename)).toEqual([
      "greeting.txt",
      "web.container",
      "web.network",
      "manifest.json",
    ]);
    const [one, two] = links.body.data.files;
    expect((await w.request("GET", path(one!.url))).status).toBe(200); // … and then the network goes away

    w.clock.advance(601);
    expect(await w.request("GET", path(two!.url))).toMatchObject({
      status: 410,
      body: { error: { code: "link_expired", action: expect.stringContaining("/links") } },
    });
    expect((await latest("", { "if-none-match": etag })).status).toBe(304);
    // the paths of the first answer are stable; new links are there for the asking
    const file = first.body.data.files[1]!;
    const body = (await w.request("GET", file.path, { token })).body as unknown as string;
    expect(await sha256Hex(body)).toBe(file.sha256);
    const fresh = await w.request<Links>("POST", "/config/1/links", { token });
    expect((await w.request("GET", path(fresh.body.data.files[1]!.url))).status).toBe(200);
  });

  test("cannot bend a link to another file, version, workspace or time", async () => {
    const { w, token, id } = await deployed();
    const [link] = (await w.request<Links>("POST", "/config/1/links", { token })).body.data.files;
    const url = path(link!.url);
    const bent = [
      url.replace("greeting.txt", "web.container"),
      url.replace("/1/", "/2/"),
      url.replace(id, crypto.randomUUID()),
      url.replace(/expires=\d+/, "expires=9999999999"),
      url.replace(/signature=.{4}/, "signature=0000"),
      url.replace(/signature=.*/, "signature=zz"),
    ];
    for (const wrong of bent)
      expect(await w.request("GET", wrong), wrong).toMatchObject({
        status: 403,
        body: { error: { code: "link_invalid" } },
      });
  });

  test("is told to ask again soon while something newer is on its way", async () => {
    const { w, token, latest } = await deployed();
    expect((await latest()).headers.get("retry-after")).toBe("300");
    await w.request("PUT", "/configurations/site", {
      token,
      headers: { "if-match": "*" },
      body: { config_data: { web: { port: 81 } } },
    });
    expect((await latest()).headers.get("retry-after")).toBe("30");
    expect((await latest()).body.data.version).toBe(1);
    await w.deliver();
    expect((await latest()).body.data.version).toBe(2);
  });

  test("is not handed a stranger's stack: after a second deployment ever existed, the short address refuses with names", async () => {
    const { w, token, create, latest } = await deployed();
    await create("other", 81);
    await w.deliver();
    expect(await latest()).toMatchObject({
      status: 409,
      body: { error: { code: "deployment_required", message: expect.stringContaining("other, site") } },
    });
    expect(await w.request("DELETE", "/configurations/other", { token, headers: { "if-match": '"2"' } })).toMatchObject(
      { status: 200, body: { data: { origin: "delete", version: 3 } } },
    );
    expect(await latest()).toMatchObject({
      status: 409,
      body: { error: { code: "deployment_required", message: expect.stringContaining("other (deleted)") } },
    });
    expect((await latest("?deployment=site")).body.data).toMatchObject({ deployment: "site", version: 1 });
  });

  test("gets an explicit marker for a deleted deployment, until its name has a new head", async () => {
    const { w, token, create, latest } = await deployed();
    await w.request("DELETE", "/configurations/site", { token, headers: { "if-match": "*" } });
    const marker = await latest("?deployment=site");
    expect(marker.body.data).toMatchObject({ deleted: true, version: 2, manifest: null, files: [] });
    expect((await latest("?deployment=site", { "if-none-match": marker.headers.get("etag")! })).status).toBe(304);
    expect((await w.request("GET", "/configurations/site", { token })).status).toBe(404);
    await create("site", 8080);
    expect((await latest("?deployment=site")).body.data).toMatchObject({ deleted: true, version: 2 });
    await w.deliver();
    expect((await latest("?deployment=site")).body.data).toMatchObject({ deleted: false, version: 3 });
  });

  test("never gets bytes that do not match their digest", async () => {
    const { w, token, id, latest } = await deployed();
    await env.QUADLETS.put(`${id}/v1/web.container`, "[Container]\nImage=evil\n");
    expect(await w.request("GET", "/config/1/files/web.container", { token })).toMatchObject({
      status: 503,
      body: { error: { code: "file_corrupt" } },
    });
    expect((await w.request("GET", "/config/1/bundle", { token })).status).toBe(503);
    await env.QUADLETS.delete(`${id}/v1/manifest.json`);
    expect((await latest()).status).toBe(503);
    expect(w.lines.filter(({ event }) => event === "object.corrupt")).toHaveLength(3);
  });

  test("gets nothing of another tenant: foreign numbers look like ones that do not exist", async () => {
    const { w } = await deployed();
    const stranger = await w.tenant(`${w.name}-stranger@example.com`);
    for (const address of [
      "/config/1",
      "/config/1/files/web.container",
      "/config/1/bundle",
      "/renders/1",
      "/configurations/site/versions/1",
    ])
      expect((await w.request("GET", address, { token: stranger.token })).status, address).toBe(404);
    expect((await w.request("GET", "/config/latest", { token: stranger.token })).status).toBe(404);
  });
});

test("the manifest has what the existing Go client reads", async () => {
  const { w, token } = await deployed();
  const { body: manifest } = await w.request("GET", "/config/1/files/manifest.json", { token });
  expect(Manifest.parse(manifest)).toMatchObject({
    version: 1,
    name: "site",
    user_uuid: expect.any(String),
    created_at: "2026-01-02T03:04:05.000Z",
    services: [{ name: "web", type: "container", files: ["web.container"], ports: ["80:80"] }],
    networks: [{ name: "systemd-web" }],
    secrets: [],
    inputs: { schema_version: "v1.0.0", podman_target: "5.4" },
  });
});

test("the bundle is a tar.gz with every file, the same bytes each time", async () => {
  const { w, token } = await deployed();
  const fetchBundle = async () => {
    const response = await w.api.request("/config/1/bundle", { headers: { authorization: `Bearer ${token}` } }, env);
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="site-v1.tar.gz"');
    return new Uint8Array(await response.arrayBuffer());
  };
  const [one, two] = [await fetchBundle(), await fetchBundle()];
  expect(await sha256Hex(one)).toBe(await sha256Hex(two));
  const tar = new Response(new Response(one).body!.pipeThrough(new DecompressionStream("gzip")));
  const text = await tar.text();
  for (const name of ["site/manifest.json", "site/greeting.txt", "site/web.container", "site/web.network"])
    expect(text).toContain(name);
});

test("the plan between two versions names what restarts and why, and a version over itself gives none", async () => {
  const { w, token } = await deployed();
  await w.request("PUT", "/configurations/site", {
    token,
    headers: { "if-match": "*" },
    body: { config_data: { web: { port: 81, greeting: "hi" } } },
  });
  await w.deliver();
  type Steps = {
    steps: { action: string; target: string; reason: { code: string; because: string[] } }[];
    risks: unknown[];
  };
  const plan = async (query: string) => (await w.request<Steps>("GET", `/config/2/plan${query}`, { token })).body.data;
  expect((await plan("?from=1")).steps.map(({ action, target }) => `${action} ${target}`)).toEqual([
    "install files",
    "restart web",
  ]);
  expect((await plan("?from=2")).steps).toEqual([]);
  expect((await plan("")).steps.map(({ action }) => action)).toContain("pull");
  expect((await w.request("GET", "/config/2/plan?from=9", { token })).status).toBe(404);
});

test("one .quadlets file holds the units, and says which files it cannot hold", async () => {
  const { w, token } = await deployed();
  const answer = await w.request("GET", "/config/1/quadlets", { token });
  expect(answer.body).toMatch(/^# FileName=web\n\[Unit\]\nDescription=Web\n[^]*\n---\n# FileName=web\n\[Network\]/);
  expect(answer.headers.get("x-leger-left-out")).toBe("greeting.txt");
});

test("a line of a rendered file names its template line and its decisions, and a decision names its lines", async () => {
  const { w, token } = await deployed();
  type Lines = { lines: { file: string; line: number; places: object[]; values: string[]; conditions: string[] }[] };
  const ask = async (query: string) =>
    (await w.request<Lines>("GET", `/configurations/site/versions/1/provenance?${query}`, { token })).body.data;
  expect((await ask("file=web.container&line=6")).lines).toMatchObject([
    {
      file: "web.container",
      line: 6,
      places: [{ template: "templates/web.container.j2", line: 6, column: 1 }, { column: 19 }, { column: 27 }],
      values: ["/web/port"],
    },
  ]);
  expect((await ask("decision=/web/port")).lines.map(({ file, line }) => `${file}:${line}`)).toEqual([
    "web.container:6",
  ]);
  expect((await ask("decision=/web/tls")).lines.map(({ file, conditions }) => `${file} ${conditions.join()}`)).toEqual([
    "greeting.txt /web/tls",
  ]);
  const missing = await w.request("GET", "/configurations/site/versions/1/provenance?file=nothing", { token });
  expect(missing).toMatchObject({ status: 404, body: { error: { code: "file_not_found" } } });
});
