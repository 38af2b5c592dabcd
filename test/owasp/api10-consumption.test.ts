// OWASP API10:2023, unsafe consumption of APIs: Tailscale and GitHub are asked over the network, so their answers are
// input. Releases with wrong bytes, digests and paths are registry.test.ts and regressions.test.ts.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { world } from "../world.ts";

const CLAIMS = {
  user_id: "u-unsafe",
  login_name: "unsafe@example.com",
  device_id: "unsafe-1",
  device_hostname: "h",
  tailnet: "example.ts.net",
};
const json = (body: unknown, init: ResponseInit = {}) => new Response(JSON.stringify(body), init);

test("what Tailscale answers is believed only in the shape that was asked for", async () => {
  const answers: [string, () => Response][] = [
    ["a page of HTML", () => new Response("<html>login</html>", { headers: { "content-type": "text/html" } })],
    ["nothing", () => new Response("")],
    ["JSON that ends early", () => new Response('{"devices":[{"id":"unsafe-1"')],
    ["lists that are none", () => json({ devices: { length: 1 }, users: "u-unsafe" })],
    ["null", () => json(null)],
    ["other types in the fields", () => json({ devices: [{ id: 1, user: {} }], users: [{ id: [], loginName: null }] })],
    ["a prototype", () => new Response('{"devices":[],"users":[],"__proto__":{"trust_claims":true}}')],
    [
      "an error with a body that looks right",
      () =>
        json(
          {
            devices: [{ id: "unsafe-1", user: "unsafe@example.com" }],
            users: [{ id: "u-unsafe", loginName: "unsafe@example.com" }],
          },
          { status: 500 },
        ),
    ],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } })],
  ];
  for (const [what, answer] of answers) {
    const w = world({ http: async () => answer() });
    const { status, body } = await w.request("POST", "/auth/cli", { body: { tailscale: CLAIMS } });
    expect([401, 403, 503], `${what}: ${status}`).toContain(status);
    expect(JSON.stringify(body), what).not.toMatch(/169\.254|<html>/);
  }
  const stored = await env.DB.prepare("SELECT COUNT(*) AS n FROM users WHERE tailscale_user_id = 'u-unsafe'").first(
    "n",
  );
  expect(stored).toBe(0);
});

test("an answer from upstream is stored as text and never run, rendered or trusted as markup", async () => {
  const name = "<img src=x onerror=alert(1)>{{ 7*7 }}";
  const device = { id: "unsafe-1", user: CLAIMS.login_name, hostname: name, authorized: true, keyExpiryDisabled: true };
  const user = {
    id: CLAIMS.user_id,
    loginName: CLAIMS.login_name,
    displayName: name,
    status: "active",
    type: "member",
  };
  const w = world({
    http: async (input) =>
      (input instanceof Request ? input.url : String(input)).includes("/devices")
        ? json({ devices: [device] })
        : json({ users: [user] }),
  });
  const answer = await w.request<{ user: { display_name: string } }>("POST", "/auth/cli", {
    body: { tailscale: CLAIMS },
  });
  expect(answer.status).toBe(200);
  expect(answer.body.data.user.display_name).toBe(name);
  expect(answer.headers.get("content-type")).toMatch(/^application\/json/);
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
});
