// OWASP API5:2023, broken function level authorization: scopes are walked by security/ and permissions.test.ts; here are
// roles, methods and spellings.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { PERMISSIONS } from "#core/permissions.ts";
import { operations } from "../operations.ts";
import { DOORS } from "../security/doors.ts";
import { makeSite } from "../security/site.ts";
import { world } from "../world.ts";

test("a viewer of the workspace reads, and is refused every function that takes more", async () => {
  const site = await makeSite();
  const { w, owner } = site;
  const viewer = await w.tenant(`${w.name}-viewer@example.com`);
  await env.DB.prepare(
    "INSERT INTO memberships (workspace_id, user_uuid, role, created_at) VALUES (?, ?, 'viewer', '2026-01-01T00:00:00.000Z')",
  )
    .bind(owner.id, viewer.id)
    .run();
  const wrong: string[] = [];
  for (const { name, method, permission } of await operations(w)) {
    const door = DOORS[name]?.(site);
    if (!door || !permission || PERMISSIONS[permission].role === "viewer") continue;
    const answer = await w.request(method, door.path, {
      token: viewer.token,
      ...(door.body !== undefined && { body: door.body }),
      headers: { ...door.headers, "x-leger-workspace": owner.id },
    });
    if (answer.status !== 403) wrong.push(`${name}: ${answer.status}`);
  }
  expect(wrong).toEqual([]);
  const read = await w.request("GET", "/configurations/site", {
    token: viewer.token,
    headers: { "x-leger-workspace": owner.id },
  });
  expect(read.status).toBe(200);
});

test("no other spelling, method or header reaches an operator's function", async () => {
  const w = world();
  const { token } = await w.tenant();
  const spellings = [
    "/schemas/sync",
    "/schemas/sync/",
    "//schemas/sync",
    "/SCHEMAS/SYNC",
    "/schemas/./sync",
    "/x/../schemas/sync",
    "/schemas/%73ync",
    "/schemas/sync%00",
    "/schemas/sync;a=b",
    "/docs/../schemas/sync",
    "/links/../schemas/sync",
    "/health/../operations/key-rotations",
    "/health%2f..%2foperations%2fkey-rotations",
  ];
  for (const path of spellings) {
    expect([401, 404], `${path} as nobody`).toContain(
      (await w.request("POST", path, { body: { kind: "rewrap" } })).status,
    );
    expect([403, 404], path).toContain((await w.request("POST", path, { token, body: { kind: "rewrap" } })).status);
  }
  for (const name of ["x-http-method-override", "x-http-method", "x-method-override"])
    expect((await w.request("GET", "/schemas/sync", { token, headers: { [name]: "POST" } })).status, name).not.toBe(
      200,
    );
  for (const method of ["PATCH", "TRACE", "OPTIONS", "PROPFIND"])
    expect((await w.request(method, "/schemas/sync", { token })).status, method).toBeGreaterThanOrEqual(400);
});
