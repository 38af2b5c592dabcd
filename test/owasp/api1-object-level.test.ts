// OWASP API1:2023, broken object level authorization. Every route with an id is walked by security/security.test.ts; here a
// stranger has objects of the very same names and numbers, and tries what carries an id elsewhere than in the path.
import { describe, expect, test } from "vitest";
import { DOORS } from "../security/doors.ts";
import { operations } from "../operations.ts";
import { makeSite } from "../security/site.ts";

describe("a stranger with the same names and numbers", () => {
  test("is answered their own, on every route that reads by a name or number", async () => {
    const site = await makeSite();
    const { w, stranger, slug, canaries } = site;
    for (const name of ["site", "gone"])
      await w.request("POST", "/configurations", {
        token: stranger.token,
        body: { deployment_name: name, pack: slug, config_data: { web: { port: 99, greeting: "mine" } } },
      });
    await w.request("POST", "/secrets/set", { token: stranger.token, body: { name: "kept", value: "mine" } });
    await w.deliver();
    let asked = 0;
    for (const { name, method, template } of await operations(w)) {
      if (method !== "GET" || !template.includes("{") || !DOORS[name]) continue;
      const answer = await w.request(method, DOORS[name](site).path, { token: stranger.token });
      const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
      for (const canary of canaries) expect(text.includes(canary), `${name} answered the owner's`).toBe(false);
      asked++;
    }
    expect(asked).toBeGreaterThan(12);
    const own = await w.request("GET", "/config/1/files/greeting.txt", { token: stranger.token });
    expect(own.body).toBe("mine");
  });
});

test("a signed link opens the one file that it was made for, until its time", async () => {
  const { w, owner, stranger } = await makeSite();
  const links = await w.request<{ files: { filename: string; url: string }[] }>("POST", "/config/2/links", {
    token: owner.token,
    body: {},
  });
  const url = new URL(links.body.data.files.find(({ filename }) => filename === "greeting.txt")!.url);
  const follow = (change: (link: URL) => void) => {
    const link = new URL(url);
    change(link);
    return w.request("GET", link.pathname + link.search);
  };
  expect((await follow(() => {})).status).toBe(200);
  const later = String(Number(url.searchParams.get("expires")) + 3600);
  const changes: [string, (link: URL) => void][] = [
    ["another workspace", (link) => void (link.pathname = link.pathname.replace(owner.id, stranger.id))],
    ["another version", (link) => void (link.pathname = link.pathname.replace("/2/", "/1/"))],
    ["another file", (link) => void (link.pathname = link.pathname.replace("greeting.txt", "manifest.json"))],
    ["a later end", (link) => link.searchParams.set("expires", later)],
    ["another signature", (link) => link.searchParams.set("signature", "A".repeat(43))],
    ["no signature", (link) => link.searchParams.set("signature", "")],
  ];
  for (const [what, change] of changes) expect([400, 403], what).toContain((await follow(change)).status);
  w.clock.advance(601);
  expect((await follow(() => {})).status).toBe(410);
});

test("cursors and Idempotency-Keys are worth nothing in other hands", async () => {
  const { w, owner, stranger, slug } = await makeSite();
  const page = await w.request<{ next_cursor: string }>("GET", "/configurations?limit=1", { token: owner.token });
  const { next_cursor } = page.body.data;
  const theirs = await w.request<{ configurations: unknown[] }>("GET", `/configurations?cursor=${next_cursor}`, {
    token: stranger.token,
  });
  expect(theirs.body.data.configurations).toEqual([]);
  const make = (token: string) =>
    w.request<{ version: { config_id: string } }>("POST", "/configurations", {
      token,
      headers: { "idempotency-key": "shared" },
      body: { deployment_name: "twice", pack: slug, config_data: { web: { port: 80 } } },
    });
  const [first, second] = [await make(owner.token), await make(stranger.token)];
  expect([first.status, second.status]).toEqual([202, 202]);
  expect(second.body.data.version.config_id).not.toBe(first.body.data.version.config_id);
});
