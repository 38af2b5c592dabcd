import { expect, test } from "vitest";
import { SMALL_PACK } from "./fixture-packs.ts";
import { formBytes, upload } from "./upload-form.ts";
import { world } from "./world.ts";

type Line = { kind: string; lines?: number; version?: number; config_data?: object };
const parse = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);

test("an export holds everything of the workspace, nothing of another, and says where it ends", async () => {
  const w = world();
  const { token, id } = await w.tenant();
  const stranger = await w.tenant(`stranger-${w.name}@example.com`);
  const { slug } = await w.admit(SMALL_PACK);
  for (const tenant of [token, stranger.token])
    for (let port = 80; port < 83; port++)
      await w.request("POST", "/configurations", {
        token: tenant,
        body: { deployment_name: `site-${port}`, pack: slug, config_data: { web: { port, greeting: "sëcond\nline" } } },
      });
  await w.request("DELETE", "/configurations/site-81", { token, headers: { "if-match": "*" } });
  await w.deliver();
  const answer = await w.request("GET", "/export", { token });
  expect(answer.headers.get("content-type")).toBe("application/x-ndjson");
  const text = answer.body as unknown as string;
  const lines = parse(text);
  const counts: Record<string, number> = {};
  for (const { kind } of lines) counts[kind] = (counts[kind] ?? 0) + 1;
  expect(counts).toEqual({
    "leger-export": 1,
    workspace: 1,
    member: 1,
    device: 1,
    configuration: 3,
    version: 4,
    render: 4,
    end: 1,
  });
  expect(lines.at(-1)).toEqual({ kind: "end", lines: lines.length });
  expect(lines.filter(({ kind }) => kind === "version").map(({ version }) => version)).toEqual([1, 2, 3, 4]);
  expect(lines.find(({ kind }) => kind === "version")?.config_data).toMatchObject({
    web: { greeting: "sëcond\nline" },
  });
  expect(text).toContain(id);
  expect(text).not.toContain(stranger.id);
});

test("more rows than a page come in order, once each", async () => {
  const w = world();
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const save = (port: number) =>
    w.request(port === 1 ? "POST" : "PUT", port === 1 ? "/configurations" : "/configurations/site", {
      token,
      headers: { "if-match": "*" },
      body: { ...(port === 1 && { deployment_name: "site", pack: slug }), config_data: { web: { port } } },
    });
  for (let port = 1; port <= 405; port++) await save(port);
  const versions = parse((await w.request("GET", "/export", { token })).body as unknown as string).filter(
    ({ kind }) => kind === "version",
  );
  expect(versions.map(({ version }) => version)).toEqual(Array.from({ length: 405 }, (_, index) => index + 1));
});

test("secrets come by name, uploaded files with their bytes", async () => {
  const w = world();
  const { token } = await w.tenant();
  const content = "[Container]\nImage=docker.io/library/caddy:2.8\n";
  await upload(w, formBytes([{ name: "web.container", content }]), { token });
  await w.request("POST", "/secrets/set", { token, body: { name: "key", value: "plain-text-of-the-secret" } });
  const text = (await w.request("GET", "/export", { token })).body as unknown as string;
  expect(text).not.toContain("plain-text-of-the-secret");
  const lines = parse(text) as (Line & { name?: string; base64?: string })[];
  expect(lines.find(({ kind }) => kind === "secret")).toMatchObject({ name: "key", version: 1 });
  expect(atob(lines.find(({ kind }) => kind === "file")?.base64 ?? "")).toBe(content);
});
