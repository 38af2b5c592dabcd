import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { SMALL_PACK, fixtureCases, fixturePack } from "./fixture-packs.ts";
import { world } from "./world.ts";

describe("a saved configuration becomes verified files at /config/latest", () => {
  test("save, render, deliver", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    const created = await w.request<{ version: { version: number } }>("POST", "/configurations", {
      token,
      body: { deployment_name: "site", pack: slug, config_data: { web: { port: 8080 } } },
    });
    expect(created).toMatchObject({
      status: 202,
      body: { data: { version: { version: 1, render: { state: "queued" } }, watch: "/renders/1" } },
    });
    expect(w.sent).toHaveLength(1);
    await w.deliver();

    const latest = await w.request("GET", "/config/latest", { token });
    expect(latest).toMatchObject({
      status: 200,
      body: {
        data: {
          deployment: "site",
          version: 1,
          epoch: 1,
          deleted: false,
          manifest: { services: [{ name: "web", type: "container", files: ["web.container"], ports: ["8080:80"] }] },
        },
      },
    });
    const files = (latest.body.data as { files: { path: string; filename: string }[] }).files;
    expect(files.map(({ filename }) => filename)).toEqual(["greeting.txt", "web.container", "web.network"]);
    const unit = await w.request("GET", files[1]!.path, { token });
    expect(unit.body).toBe(
      "[Unit]\nDescription=Web\n\n[Container]\nImage=docker.io/library/caddy:2.8-alpine\nPublishPort=8080:80\nNetwork=web.network\n",
    );

    const again = await w.request("GET", "/config/latest", {
      token,
      headers: { "if-none-match": latest.headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
    expect(await env.MANIFESTS.get(`manifest:${id}:v1`, "json")).toMatchObject({
      deployment_name: "site",
      files: [{}, {}, {}],
    });
  });

  test.each(["v1.0.0"])("every case of the first-party pack %s saves and renders", async (version) => {
    const w = world();
    const { admission } = await w.admit(fixturePack(version), version);
    expect(admission.report).toEqual([]);
    for (const { name, text } of fixtureCases(version)) {
      const { token } = await w.tenant(`${w.name}-${name}@example.com`);
      const body = {
        deployment_name: "stack",
        pack: w.name,
        config_data: JSON.parse(text) as unknown,
        allow_deprecated: true,
      };
      const created = await w.request("POST", "/configurations", { token, body });
      expect(created, name).toMatchObject({ status: 202 });
      await w.deliver();
      expect(await w.request("GET", "/renders/1", { token }), name).toMatchObject({
        body: { data: { state: "rendered", failure: null } },
      });
    }
  });
});
