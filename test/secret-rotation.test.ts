import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { toBase64 } from "#core/base64.ts";
import { KEY_BYTES, type RingKey } from "#core/envelope.ts";
import { RATE_LIMIT_NAMES } from "#core/rate-limits.ts";
import { Secret } from "#core/secret.ts";
import type { Deps } from "#deps.ts";
import { secretKey } from "#store/secret-copy.ts";
import { world } from "./world.ts";

const fresh = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes));
const ringKey = (kid: string): RingKey => ({ kid, key: new Secret(fresh(KEY_BYTES)) });
type Rotation = { id: string; state: string; done: number; failed: number; remaining: number };

async function vault(overrides: Partial<Deps> = {}) {
  const w = world(overrides);
  w.deps.settings = {
    ...w.deps.settings,
    RATE_LIMITS: Object.fromEntries(RATE_LIMIT_NAMES.map((name) => [name, 1_000_000])),
    OPERATOR_LOGINS: [`${w.name}@example.com`],
  };
  const { token, id } = await w.tenant();
  const set = (name: string, value: string) => w.request("POST", "/secrets/set", { token, body: { name, value } });
  const get = (name: string) => w.request<{ value: string; version: number }>("GET", `/secrets/get/${name}`, { token });
  const start = (body: object) => w.request<Rotation>("POST", "/operations/key-rotations", { token, body });
  const progress = async (rotation: string) =>
    (await w.request<Rotation>("GET", `/operations/key-rotations/${rotation}`, { token })).body.data;
  const useRing = (...ring: RingKey[]) => void (w.deps.settings = { ...w.deps.settings, SECRET_KEY_RING: ring });
  const rows = async <T>(sql: string) => (await env.DB.prepare(sql).bind(id).all<T>()).results;
  return { w, token, id, set, get, start, progress, useRing, rows };
}

describe("re-wrapping data keys under the ring's first entry", () => {
  test("leaves none under the old entry, which can then be taken out of the ring", async () => {
    const v = await vault();
    const [before] = v.w.deps.settings.SECRET_KEY_RING;
    await v.set("s", "value");
    const next = ringKey(`next-${v.w.name}`);
    v.useRing(next, before!);
    const started = await v.start({ kind: "rewrap" });
    expect(started.status).toBe(202);
    expect((await v.start({ kind: "rewrap" })).body.error.code).toBe("rotation_running");
    await v.w.sweep();
    expect(await v.progress(started.body.data.id)).toMatchObject({ state: "finished", failed: 0, remaining: 0 });
    expect(await v.rows("SELECT DISTINCT kid FROM data_keys WHERE workspace_id = ?")).toEqual([{ kid: next.kid }]);
    v.useRing(next);
    expect((await v.get("s")).body.data).toMatchObject({ value: "value" });
    const listed = await v.w.request<{ ring: { kid: string; keys: number; is_first: boolean }[] }>(
      "GET",
      "/operations/key-rotations",
      { token: v.token },
    );
    expect(listed.body.data.ring.every(({ keys, is_first }) => is_first === keys > 0)).toBe(true);
    // other worlds' keys are under this one's entry now: give them back
    v.useRing(before!, next);
    const back = await v.start({ kind: "rewrap" });
    await v.w.sweep();
    expect((await v.progress(back.body.data.id)).state).toBe("finished");
  });

  test("counts a key that no entry opens, and says blocked; reads of it are refused and say why in the log", async () => {
    const v = await vault();
    const [own] = v.w.deps.settings.SECRET_KEY_RING;
    const lost = ringKey(`lost-${v.w.name}`);
    v.useRing(lost);
    await v.set("s", "value");
    v.useRing(own!);
    expect((await v.get("s")).body.error.code).toBe("secret_unreadable");
    expect(v.w.lines.some(({ event, code }) => event === "key.unreadable" && code === "unknown_kid")).toBe(true);
    const started = await v.start({ kind: "rewrap" });
    await v.w.sweep();
    expect(await v.progress(started.body.data.id)).toMatchObject({ state: "blocked", failed: 2, remaining: 2 });
    await env.DB.batch(
      [
        "UPDATE secret_versions SET data_key_id = NULL, encrypted_value = NULL, nonce = NULL, auth_tag = NULL WHERE workspace_id = ?",
        "DELETE FROM data_keys WHERE workspace_id = ?",
      ].map((sql) => env.DB.prepare(sql).bind(v.id)),
    );
  });
});

describe("re-encrypting a workspace under a new data key", () => {
  test("page by page, with sets and deletions in between: no value is lost, none is under the old key, in KV neither", async () => {
    const v = await vault();
    const names = Array.from({ length: 140 }, (_, n) => `s${n}`);
    for (let at = 0; at < names.length; at += 10)
      await Promise.all(names.slice(at, at + 10).map((name) => v.set(name, `first ${name}`)));
    await v.set("s0", "second s0");
    await v.w.settle();
    const [old] = await v.rows<{ id: string }>(
      "SELECT id FROM data_keys WHERE workspace_id = ? AND purpose = 'encrypt' AND state = 'current'",
    );
    const started = await v.start({ kind: "reencrypt", workspace_id: v.id });
    expect(started.status).toBe(202);
    const during = Promise.all(
      Array.from({ length: 20 }, (_, n) => v.set(n % 2 ? `s${n * 7}` : `new${n}`, `during ${n}`)),
    );
    await Promise.all([v.w.sweep(), v.w.sweep(), during]);
    await v.w.settle();
    await v.w.sweep();
    expect(await v.progress(started.body.data.id)).toMatchObject({ state: "finished", failed: 0, remaining: 0 });
    expect(
      await env.DB.prepare("SELECT COUNT(*) AS n FROM secret_versions WHERE data_key_id = ?").bind(old!.id).first(),
    ).toEqual({ n: 0 });
    expect(await env.DB.prepare("SELECT state, wrapped_key FROM data_keys WHERE id = ?").bind(old!.id).first()).toEqual(
      {
        state: "retired",
        wrapped_key: null,
      },
    );
    const changed = new Map(
      Array.from({ length: 20 }, (_, n) => [n % 2 ? `s${n * 7}` : `new${n}`, `during ${n}`] as const),
    );
    for (const name of [...names, ...changed.keys()]) {
      const expected = changed.get(name) ?? (name === "s0" ? "second s0" : `first ${name}`);
      expect((await v.get(name)).body.data?.value, name).toBe(expected);
    }
    const copies = await env.SECRETS.list<{ data_key_id: string }>({ prefix: secretKey(v.id, "") });
    expect(copies.keys.length).toBe(150);
    expect(copies.keys.filter(({ metadata }) => metadata?.data_key_id === old!.id)).toEqual([]);
    const audited = await v.rows(
      "SELECT action FROM audit_log WHERE workspace_id = ? AND action LIKE 'rotation.%' ORDER BY seq",
    );
    expect(audited).toEqual([{ action: "rotation.started" }, { action: "rotation.ended" }]);
  });

  test("of a workspace that is not there, or without secrets, says so; and only an operator may", async () => {
    const v = await vault();
    expect((await v.start({ kind: "reencrypt", workspace_id: crypto.randomUUID() })).body.error.code).toBe(
      "workspace_not_found",
    );
    const stranger = await v.w.tenant(`${v.w.name}-s@example.com`);
    const refused = await v.w.request("POST", "/operations/key-rotations", {
      token: stranger.token,
      body: { kind: "rewrap" },
    });
    expect(refused.body.error.code).toBe("insufficient_permissions");
  });
});

describe("records of v0.1", () => {
  const master = fresh(KEY_BYTES);

  /** As v0.1 wrote them: AES-256-GCM directly under the master key, no additional data. */
  async function legacy(id: string, name: string, value: string) {
    const key = await crypto.subtle.importKey("raw", master, "AES-GCM", false, ["encrypt"]);
    const iv = fresh(12);
    const sealed = new Uint8Array(
      await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(value)),
    );
    const record = {
      secret_id: crypto.randomUUID(),
      user_uuid: id,
      name,
      encrypted_value: toBase64(sealed.subarray(0, -16)),
      nonce: toBase64(iv),
      auth_tag: toBase64(sealed.subarray(-16)),
      encryption_version: 1,
      version: 3,
      created_at: "2025-10-15T10:00:00Z",
      updated_at: "2025-10-16T12:00:00Z",
      last_accessed: "2025-10-16T15:30:00Z",
      metadata: { size_bytes: value.length, last_rotated_at: "2025-10-16T12:00:00Z", rotation_count: 2 },
    };
    await env.SECRETS.put(secretKey(id, name), JSON.stringify(record));
  }

  async function oldVault() {
    const v = await vault();
    v.w.deps.settings = { ...v.w.deps.settings, SECRET_MASTER_KEY_V1: new Secret(master) };
    return v;
  }

  test("are read, with their number and times, and are then sealed anew in D1 and KV", async () => {
    const v = await oldVault();
    await legacy(v.id, "old", "from v0.1\n");
    expect((await v.get("old")).body.data).toMatchObject({ value: "from v0.1\n", version: 3 });
    await v.w.settle();
    expect(await env.SECRETS.get(secretKey(v.id, "old"), "json")).toMatchObject({ encryption_version: 2, version: 3 });
    const facts = await v.w.request("GET", "/secrets/old", { token: v.token });
    expect(facts.body.data).toMatchObject({ created_at: "2025-10-15T10:00:00.000Z", rotation_count: 2 });
    expect(await v.set("old", "new")).toMatchObject({ status: 200, body: { data: { version: 4 } } });
  });

  test("are imported by a set and by a deletion, and never come back after one, however stale KV is", async () => {
    const v = await oldVault();
    await legacy(v.id, "a", "1");
    expect((await v.set("a", "2")).body.data).toMatchObject({ version: 4 });
    await legacy(v.id, "b", "1");
    expect((await v.w.request("DELETE", "/secrets/b", { token: v.token })).status).toBe(200);
    await v.w.settle();
    await legacy(v.id, "b", "1"); // KV shows the old record again
    expect((await v.get("b")).body.error.code).toBe("secret_not_found");
    await legacy(v.id, "a", "1");
    expect((await v.get("a")).body.data.value).toBe("2");
  });

  test("are all imported by the operator's job; one that cannot be opened is counted, and a foreign one is not taken", async () => {
    const v = await oldVault();
    for (let n = 0; n < 5; n++) await legacy(v.id, `k${n}`, `v${n}`);
    await env.SECRETS.put(secretKey(v.id, "broken"), JSON.stringify({ encryption_version: 1, name: "broken" }));
    await legacy(v.id, "moved", "v");
    const moved = (await env.SECRETS.get(secretKey(v.id, "moved"))) ?? "";
    await env.SECRETS.put(secretKey(v.id, "other"), moved);
    const started = await v.start({ kind: "import" });
    for (let n = 0; n < 12 && (await v.progress(started.body.data.id)).state === "running"; n++) await v.w.sweep();
    expect((await v.progress(started.body.data.id)).done).toBeGreaterThanOrEqual(6);
    for (let n = 0; n < 5; n++) expect((await v.get(`k${n}`)).body.data.value).toBe(`v${n}`);
    expect((await v.get("other")).body.error.code).toBe("secret_not_found");
  });

  test("without the master key of that time KV is not even read", async () => {
    const v = await vault({ secrets: undefined as never });
    expect((await v.get("anything")).body.error.code).toBe("secret_not_found");
    expect((await v.start({ kind: "import" })).body.error.code).toBe("not_configured");
  });
});
