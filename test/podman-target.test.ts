import { expect, test } from "vitest";
import type { Finding } from "#core/finding.ts";
import { world } from "./world.ts";

type Verdict = { starts: boolean; findings: Finding[] };
type Check = { podman_target: string; podman: string; as_rendered: Verdict; as_target: Verdict };
type Render = { state: string; failure: { findings: Finding[] } | null; warnings: Finding[] };

const encode = (text: string) => new TextEncoder().encode(text);

/** A pack of one container with a limit of memory, which units can say from Podman 5.5 on. */
const pack = (description: object, lines = "") =>
  new Map([
    [
      "schema.json",
      encode(
        JSON.stringify({
          type: "object",
          additionalProperties: false,
          properties: { memory: { type: "string", pattern: "^[0-9]+[mg]$", default: "512m" } },
        }),
      ),
    ],
    ["leger-pack.json", encode(JSON.stringify({ name: "One container", ...description }))],
    [
      "templates/web.container.j2",
      encode(`[Container]\nImage=docker.io/library/caddy:2.8\nMemory={{ memory }}\n${lines}`),
    ],
  ]);

async function saved(tree: ReadonlyMap<string, Uint8Array>, target: string) {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(tree);
  await w.request("POST", "/configurations", {
    token,
    body: { deployment_name: "site", pack: slug, config_data: { memory: "2g" }, podman_target: target },
  });
  await w.deliver();
  const get = async <T>(path: string) => (await w.request<T>("GET", path, { token })).body.data;
  return {
    w,
    token,
    render: await get<Render>("/renders/1"),
    unit: async () => (await w.request("GET", "/config/1/files/web.container", { token })).body,
    check: (podman: string) => get<Check>(`/config/1/check${podman}`),
  };
}

const codes = ({ findings }: { findings: Finding[] }) => findings.map(({ code }) => code);

test("a key that the target lacks is written as a flag, and the render says so", async () => {
  const { render, unit } = await saved(pack({}), "5.4");
  expect(render).toMatchObject({ state: "rendered", failure: null });
  expect(await unit()).toContain('\nPodmanArgs="--memory=2g"\n');
  expect(render.warnings).toMatchObject([
    {
      code: "key_down_levelled",
      severity: "warning",
      place: { file: "web.container", line: 3 },
      template: { file: "templates/web.container.j2", line: 3 },
      decision: "/memory",
    },
  ]);
});

test("a target that knows the key gets the key, and nothing is said", async () => {
  const { render, unit } = await saved(pack({}), "5.5");
  expect(render).toMatchObject({ state: "rendered", warnings: [] });
  expect(await unit()).toContain("\nMemory=2g\n");
});

test("a pack may turn it off: then the key is an error, and so is one without a flag", async () => {
  const off = await saved(pack({ podman: { down_level: false } }), "5.4");
  expect(off.render).toMatchObject({ state: "failed", warnings: [], failure: { findings: [{ code: "key_too_new" }] } });
  const without = await saved(pack({}, "ReloadSignal=SIGHUP\n"), "5.4");
  expect(without.render.state).toBe("failed");
  expect(codes(without.render.failure ?? { findings: [] })).toEqual(["key_too_new", "key_down_levelled"]);
});

test("any other Podman can be asked about, without rendering anew", async () => {
  const { w, token, check } = await saved(pack({}), "5.8");
  expect(await check("")).toMatchObject({ podman_target: "5.8", podman: "5.8", as_rendered: { starts: true } });
  const older = await check("?podman=5.4");
  expect(older.as_rendered).toMatchObject({
    starts: false,
    findings: [{ code: "key_too_new", place: { file: "web.container", line: 3 }, excerpt: expect.any(Array) }],
  });
  expect(older.as_target.starts).toBe(true);
  expect(codes(older.as_target)).toEqual(["key_down_levelled"]);
  expect((await check("?podman=5.8.1")).as_rendered.starts).toBe(true);

  const below = await check("?podman=5.3");
  expect(below.as_target.starts).toBe(false);
  expect(codes(below.as_target)).toEqual(["podman_target_out_of_range", "key_too_new"]);
  expect((await w.request("GET", "/config/1/check?podman=newest", { token })).status).toBe(400);
  expect((await w.request("GET", "/config/2/check", { token })).status).toBe(404);
  const stranger = await w.tenant("stranger@example.com");
  expect((await w.request("GET", "/config/1/check", { token: stranger.token })).status).toBe(404);
});
