// OWASP API7:2023, server side request forgery: no value that a tenant sends ever becomes an address that we ask.
import { expect, test } from "vitest";
import { operations } from "../operations.ts";
import { DOORS } from "../security/doors.ts";
import { makeSite } from "../security/site.ts";

const BAIT = "http://169.254.169.254/latest/meta-data/";

test("no operation but the sign-in and an operator's sync asks anybody, whatever is in it", async () => {
  const site = await makeSite();
  const { w, owner, slug } = site;
  const asked: string[] = [];
  w.deps.http = async (input) => {
    asked.push(input instanceof Request ? input.url : String(input));
    return new Response("bait", { status: 500 });
  };
  for (const { name, method } of await operations(w)) {
    const door = DOORS[name]?.(site);
    if (!door) continue;
    const headers = { ...door.headers, referer: BAIT, "x-forwarded-host": "evil.example", host: "evil.example" };
    await w.request(method, door.path, {
      token: owner.token,
      headers,
      ...(door.body !== undefined && { body: door.body }),
    });
  }
  const hostile = { web: { port: 80, image: BAIT, greeting: BAIT } };
  await w.request("POST", "/configurations", {
    token: owner.token,
    body: { deployment_name: "bait", pack: slug, config_data: hostile },
  });
  await w.deliver();
  await w.settle();
  await w.sweep();
  expect(asked).toEqual([]);
});

test("a claimed tailnet is looked up in the settings, and never put into an address", async () => {
  const { w } = await makeSite();
  const asked: URL[] = [];
  w.deps.http = async (input) => {
    asked.push(new URL(input instanceof Request ? input.url : String(input)));
    return new Response("{}", { status: 500 });
  };
  const configured = new URL(w.deps.settings.TAILSCALE_API_URL).host;
  const claims = { user_id: "u1", login_name: "a@b", device_id: "1", device_hostname: "h" };
  for (const tailnet of [
    "../../../evil",
    "evil.example/x?",
    "@evil.example",
    BAIT,
    "example.ts.net",
    "__proto__",
    "constructor",
  ])
    await w.request("POST", "/auth/cli", { body: { tailscale: { ...claims, tailnet } } });
  expect(asked.map(({ host }) => host).filter((host) => host !== configured)).toEqual([]);
  expect(asked.filter(({ pathname }) => pathname.includes("evil"))).toEqual([]);
});
