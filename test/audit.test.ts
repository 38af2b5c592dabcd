import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { sealAudit } from "#consumers/seal-audit.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

type Verdict = {
  is_intact: boolean;
  problems: { code: string; seq: number }[];
  checked: number;
  unsealed: number;
  verified_to: number;
  next_cursor: string | null;
};

/** A workspace with `saves` audited saves, sealed after each `every`. */
async function audited(saves = 6, every = 2) {
  const w = world();
  const { token, id } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  for (let save = 1; save <= saves; save++) {
    const config_data = { web: { port: 80 + save } };
    const options = { token, headers: { "if-match": "*" }, body: { config_data } };
    if (save === 1)
      await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, config_data } });
    else await w.request("PUT", "/configurations/site", options);
    if (save % every === 0) await sealAll(w);
  }
  const verify = async () => (await w.request<Verdict>("GET", "/audit/verify", { token })).body.data;
  return { w, token, id, verify };
}

async function sealAll(w: ReturnType<typeof world>) {
  for (;;) {
    await sealAudit(w.deps);
    const left = await env.DB.prepare(
      "SELECT (SELECT MAX(rowid) FROM audit_log) - sealed_rowid AS rows, (SELECT MAX(rowid) FROM audit_seals) - copied_rowid AS seals FROM audit_sealer",
    ).first<{ rows: number; seals: number }>();
    if (left?.rows === 0 && left.seals === 0) return;
  }
}

/** Does what only somebody with the database in hand can do: the triggers are taken away and put back. */
async function tamper(...statements: string[]) {
  const { results } = await env.DB.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ('audit_log', 'audit_seals')",
  ).all<{ name: string; sql: string }>();
  await env.DB.batch([
    ...results.map(({ name }) => env.DB.prepare(`DROP TRIGGER ${name}`)),
    ...statements.map((sql) => env.DB.prepare(sql)),
    ...results.map(({ sql }) => env.DB.prepare(sql)),
    env.DB.prepare("UPDATE audit_sealer SET sealed_rowid = 0, copied_rowid = 0"), // rowids of what was deleted are used again
  ]);
}

describe("what the database refuses", () => {
  test.each([
    ["update", (id: string) => `UPDATE audit_log SET actor = 'x' WHERE workspace_id = '${id}'`],
    ["delete", (id: string) => `DELETE FROM audit_log WHERE workspace_id = '${id}'`],
    [
      "replace by id",
      (id: string) =>
        `INSERT OR REPLACE INTO audit_log SELECT id, workspace_id, seq, at, 'x', action, target, payload, entry_digest FROM audit_log WHERE workspace_id = '${id}' AND seq = 1`,
    ],
    [
      "replace by rowid",
      (id: string) =>
        `INSERT OR REPLACE INTO audit_log (rowid, id, workspace_id, seq, at, actor, action, target, payload, entry_digest)
         SELECT rowid, 'other', workspace_id, 7, at, 'x', action, target, payload, entry_digest FROM audit_log WHERE workspace_id = '${id}' AND seq = 1`,
    ],
    [
      "insert out of order",
      (id: string) => `INSERT INTO audit_log VALUES ('gap-${id}', '${id}', 99, 'x', 'x', 'x.y', 'x', '{}', 'x')`,
    ],
    [
      "insert with a taken seq",
      (id: string) => `INSERT INTO audit_log VALUES ('taken-${id}', '${id}', 2, 'x', 'x', 'x.y', 'x', '{}', 'x')`,
    ],
    ["update of a seal", (id: string) => `UPDATE audit_seals SET digest = 'x' WHERE workspace_id = '${id}'`],
    ["delete of a seal", (id: string) => `DELETE FROM audit_seals WHERE workspace_id = '${id}'`],
    ["a seal out of order", (id: string) => `INSERT INTO audit_seals VALUES ('${id}', 90, 99, 'x', 'x', 'x')`],
    [
      "replace of a seal",
      (id: string) =>
        `INSERT OR REPLACE INTO audit_seals SELECT workspace_id, from_seq, to_seq, 'x', signature, sealed_at FROM audit_seals WHERE workspace_id = '${id}'`,
    ],
  ])("%s", async (_, sql) => {
    const { id, verify } = await audited();
    await expect(env.DB.prepare(sql(id)).run()).rejects.toThrow(/append-only/);
    expect((await verify()).problems).toEqual([]);
  });
});

describe("what verification detects, where the triggers were taken away", () => {
  const forged = "eyJhbGciOiJFZERTQSJ9.e30.AAAA";
  test.each([
    [
      "a changed payload",
      (id: string) => [`UPDATE audit_log SET payload = '{"version":9}' WHERE workspace_id = '${id}' AND seq = 3`],
      "entry_changed",
      3,
    ],
    [
      "a changed actor",
      (id: string) => [`UPDATE audit_log SET actor = 'user:x' WHERE workspace_id = '${id}' AND seq = 3`],
      "entry_changed",
      3,
    ],
    [
      "a changed digest",
      (id: string) => [
        `UPDATE audit_log SET entry_digest = '${"0".repeat(64)}' WHERE workspace_id = '${id}' AND seq = 3`,
      ],
      "entry_changed",
      3,
    ],
    ["a gap", (id: string) => [`DELETE FROM audit_log WHERE workspace_id = '${id}' AND seq = 3`], "entry_missing", 3],
    [
      "a dropped tail",
      (id: string) => [`DELETE FROM audit_log WHERE workspace_id = '${id}' AND seq > 4`],
      "entry_missing",
      5,
    ],
    [
      "a tail dropped with its seals",
      (id: string) => [
        `DELETE FROM audit_log WHERE workspace_id = '${id}' AND seq > 4`,
        `DELETE FROM audit_seals WHERE workspace_id = '${id}' AND to_seq > 4`,
      ],
      "tail_dropped",
      6,
    ],
    [
      "swapped rows",
      (id: string) => [
        `UPDATE audit_log SET seq = 99 WHERE workspace_id = '${id}' AND seq = 3`,
        `UPDATE audit_log SET seq = 3 WHERE workspace_id = '${id}' AND seq = 4`,
        `UPDATE audit_log SET seq = 4 WHERE workspace_id = '${id}' AND seq = 99`,
      ],
      "entries_differ_from_seal",
      4,
    ],
    [
      "a forged seal",
      (id: string) => [`UPDATE audit_seals SET signature = '${forged}' WHERE workspace_id = '${id}' AND to_seq = 4`],
      "seal_forged",
      4,
    ],
    [
      "a seal's other digest",
      (id: string) => [
        `UPDATE audit_seals SET digest = '${"0".repeat(64)}' WHERE workspace_id = '${id}' AND to_seq = 4`,
      ],
      "seal_forged",
      4,
    ],
    [
      "a seal of another range",
      (id: string) => [
        `UPDATE audit_seals SET signature = (SELECT signature FROM audit_seals WHERE workspace_id = '${id}' AND to_seq = 2) WHERE workspace_id = '${id}' AND to_seq = 4`,
      ],
      "seal_forged",
      4,
    ],
    [
      "a seal that is gone",
      (id: string) => [`DELETE FROM audit_seals WHERE workspace_id = '${id}' AND to_seq = 4`],
      "seal_missing",
      6,
    ],
  ])("%s", async (...[, sql, code, seq]) => {
    const { id, verify } = await audited();
    expect(await verify()).toMatchObject({ is_intact: true, problems: [], unsealed: 0 });
    await tamper(...sql(id));
    const verdict = await verify();
    expect(verdict.is_intact).toBe(false);
    expect(verdict.problems).toContainEqual(expect.objectContaining({ code, seq }));
  });

  test("rows, seals and chain made anew with another key, because the copies in R2 are of the true ones", async () => {
    const { id, w, verify } = await audited();
    const key = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
    const jwk = (await crypto.subtle.exportKey("jwk", (key as CryptoKeyPair).privateKey)) as JsonWebKey;
    const own = w.deps.settings.TOKEN_SIGNING_KEYS;
    await tamper(
      `DELETE FROM audit_seals WHERE workspace_id = '${id}'`,
      `DELETE FROM audit_log WHERE workspace_id = '${id}' AND seq = 6`,
    );
    // tamper starts the sealer anew, and other tests have written more than one sweep seals
    await env.DB.prepare(
      "UPDATE audit_sealer SET sealed_rowid = (SELECT MIN(rowid) - 1 FROM audit_log WHERE workspace_id = ?)",
    )
      .bind(id)
      .run();
    const forgedKey = { kid: own[0]!.kid, kty: "OKP" as const, crv: "Ed25519" as const, x: jwk.x!, d: jwk.d! };
    await sealAudit({ ...w.deps, settings: { ...w.deps.settings, TOKEN_SIGNING_KEYS: [forgedKey] } });
    const codes = (await verify()).problems.map(({ code }) => code);
    expect(codes).toEqual(expect.arrayContaining(["seal_forged", "tail_dropped"]));
  });
});

test("rows that are too new to be sealed are said to be, and the sweep seals them", async () => {
  const { w, verify } = await audited(5, 2);
  expect(await verify()).toMatchObject({ is_intact: true, unsealed: 1, checked: 5, verified_to: 5, next_cursor: null });
  await w.sweep();
  await sealAll(w);
  expect(await verify()).toMatchObject({ is_intact: true, unsealed: 0 });
});

test("two sealers at once, and one that died before the copies: one chain, every copy", async () => {
  const { w, verify } = await audited(5, 100);
  await Promise.all([sealAll(w), sealAll(w)]);
  expect(await verify()).toMatchObject({ is_intact: true, unsealed: 0 });
  const dying = { ...w.deps, backups: { put: () => Promise.reject(new Error("R2 is away")) } as unknown as R2Bucket };
  await w.request("GET", "/audit", {});
  const { slug } = await w.admit(SMALL_PACK, "v1.0.1");
  const { token } = await w.tenant(`${w.name}@example.com`);
  await w.request("POST", "/configurations", {
    token,
    body: { deployment_name: "other", pack: slug, config_data: { web: { port: 90 } } },
  });
  await expect(sealAudit(dying)).rejects.toThrow("R2 is away");
  await sealAll(w);
  expect(await verify()).toMatchObject({ is_intact: true, unsealed: 0, checked: 6 });
});

test("a long log is verified in parts, each continuing the chain", async () => {
  const { w, id, token } = await audited(1, 1);
  await env.DB.batch(
    Array.from({ length: 40 }, (_, index) =>
      env.DB.prepare(
        `INSERT INTO audit_log SELECT '${id}-' || value, '${id}', 2 + ${index} * 100 + key, 'x', 'x', 'x.y', 'x', '{}', 'x'
         FROM json_each('${JSON.stringify(Array.from({ length: 100 }, (_unused, n) => index * 100 + n))}')`,
      ),
    ),
  );
  await sealAll(w);
  let cursor: string | null = "";
  let checked = 0;
  let calls = 0;
  while (cursor !== null) {
    const query: string = cursor === "" ? "" : `?cursor=${cursor}`;
    const { data } = (await w.request<Verdict>("GET", `/audit/verify${query}`, { token })).body;
    expect(data.problems.filter(({ code }) => code !== "entry_changed")).toEqual([]);
    checked += data.checked;
    cursor = data.next_cursor;
    calls++;
  }
  expect({ checked, several: calls > 1 }).toEqual({ checked: 4001, several: true });
});

test("the log is read in pages, filtered, and only by its own workspace", async () => {
  const { w, token, id } = await audited(5, 100);
  const stranger = await w.tenant(`stranger-${w.name}@example.com`);
  type Page = { entries: { seq: number; actor: string; action: string; target: string }[]; next_cursor: string | null };
  const page = async (query: string, as = token) =>
    (await w.request<Page>("GET", `/audit?${query}`, { token: as })).body.data;
  const first = await page("limit=2");
  expect(first.entries.map(({ seq }) => seq)).toEqual([5, 4]);
  const second = await page(`limit=10&cursor=${first.next_cursor}`);
  expect(second).toMatchObject({ next_cursor: null });
  expect(second.entries.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  expect((await page(`actor=user:${id}`)).entries).toHaveLength(5);
  expect((await page("action=version")).entries).toHaveLength(5);
  expect((await page("action=vers")).entries).toEqual([]);
  expect((await page("since=2030-01-01T00:00:00Z")).entries).toEqual([]);
  expect((await page("limit=50", stranger.token)).entries).toEqual([]);
  expect((await w.request("GET", "/audit?since=yesterday", { token })).status).toBe(400);
});

test("the export holds every row and seal, one JSON object per line", async () => {
  const { w, token } = await audited(4, 2);
  const text = (await w.request("GET", "/audit/export", { token })).body as unknown as string;
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; seq?: number; to_seq?: number });
  expect(lines.map(({ kind, seq, to_seq }) => `${kind} ${seq ?? to_seq}`)).toEqual([
    "entry 1",
    "entry 2",
    "seal 2",
    "entry 3",
    "entry 4",
    "seal 4",
  ]);
});
