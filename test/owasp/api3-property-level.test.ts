// OWASP API3:2023, broken object property level authorization: nothing can be set that is not one's to set, and nothing is
// answered that is not the caller's to see.
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { operations } from "../operations.ts";
import { DOORS } from "../security/doors.ts";
import { makeSite } from "../security/site.ts";

const INTERNAL = {
  id: "00000000-0000-4000-8000-000000000000",
  workspace_id: "system",
  user_uuid: "00000000-0000-4000-8000-000000000000",
  created_by: "user:somebody-else",
  created_at: "1999-01-01T00:00:00.000Z",
  version: 4711,
  epoch: 99,
  role: "admin",
  is_operator: true,
  deleted_at: null,
  token_epoch: 0,
  change_id: "x",
};

test("fields that are the server's are refused, or change nothing, on every route that takes a body", async () => {
  const site = await makeSite();
  const { w, owner } = site;
  let asked = 0;
  for (const { name, method } of await operations(w)) {
    const door = DOORS[name]?.(site);
    if (!door || typeof door.body !== "object" || door.owner >= 300) continue;
    const own = door.body as Record<string, unknown>;
    const extra = Object.fromEntries(Object.entries(INTERNAL).filter(([key]) => !Object.hasOwn(own, key)));
    const answer = await w.request(method, door.path, {
      token: owner.token,
      headers: door.headers ?? {},
      body: { ...own, ...extra },
    });
    expect(answer.status, name).toBeLessThan(500);
    asked++;
  }
  expect(asked).toBeGreaterThan(10);
  for (const { name } of (
    await env.DB.prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    ).all<{ name: string }>()
  ).results) {
    const { results } = await env.DB.prepare(`SELECT * FROM ${name}`).all();
    const text = JSON.stringify(results);
    for (const planted of ["user:somebody-else", "1999-01-01T00:00:00.000Z", INTERNAL.id])
      expect(text.includes(planted), `${name} holds ${planted}`).toBe(false);
  }
});

test("no answer holds a column that is the server's own", async () => {
  const site = await makeSite();
  const { w, owner } = site;
  for (const { name, method } of await operations(w)) {
    const door = DOORS[name]?.(site);
    if (!door || method !== "GET" || name === "exportWorkspace") continue;
    const answer = await w.request(method, door.path, { token: owner.token });
    const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
    expect(text, name).not.toMatch(
      /"(?:token_hash|ciphertext|wrapped_key|key_nonce|nonce|token_epoch|lease_id|change_id|r2_base_path|sequence_id|fingerprint)"/,
    );
  }
});
