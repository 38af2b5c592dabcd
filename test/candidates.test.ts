import { env } from "cloudflare:workers";
import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import { beforeEach, describe, expect, test } from "vitest";
import { LIMITS } from "#core/limits.ts";
import { FIRST, NEXT, archive } from "./impact-packs.ts";
import { NONE, impactWorld } from "./impact-world.ts";
import { control } from "./upstream-control.ts";

type At = Awaited<ReturnType<typeof impactWorld>>;
type Candidate = {
  digest: string;
  status: string;
  report: { code: string }[];
  matrix: { rows: number } | null;
  compatibility: { from: string; class: string; deserved: string; reasons: string[] } | null;
  expires_at: string | null;
  read_on: string | null;
};

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000 });
});

async function previewed(at: At, bytes: Uint8Array | string, sent: Parameters<At["preview"]>[1] = {}) {
  const answer = await at.preview(bytes, sent);
  type Body = { data: Candidate; error?: { code: string; details?: { code: string }[] } };
  return { status: answer.status, ...(await answer.json<Body>()) };
}

const auditedOf = async (at: At) =>
  (
    await env.DB.prepare("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'candidate.previewed' AND target = ?")
      .bind(`schema:${at.w.name}/v2.0.0`)
      .first<{ n: number }>()
  )?.n;

describe("a pack that is not released", () => {
  test("is examined and counted, once however often it is sent, and the release then does the same", async () => {
    const at = await impactWorld();
    const { w, operator, release, neighbour, read, count } = at;
    await neighbour("me");
    const bytes = await archive(NEXT);
    const first = await previewed(at, bytes);
    expect(first).toMatchObject({
      status: 202,
      data: {
        status: "ready",
        matrix: { rows: expect.any(Number) as number },
        compatibility: { from: "v1.0.0", class: "breaking", deserved: "major" },
      },
    });
    expect(first.data.compatibility?.reasons.join(" ")).toMatch(/mode/);
    const again = await previewed(at, bytes);
    expect([again.status, again.data.digest]).toEqual([202, first.data.digest]);
    await w.settle();
    await count();
    const path = first.data.read_on ?? "";
    const counted = await w.request<{ counts: object; state: string; candidate: object }>("GET", path, {
      token: operator.token,
    });
    const counts = { identical: 1, changed: 1, restarts: 1, data_risk: 1, needs_input: 1, fails: 1 };
    expect(counted.body.data).toMatchObject({
      state: "done",
      counts,
      candidate: { digest: first.data.digest, expires_at: first.data.expires_at },
    });
    expect(await auditedOf(at)).toBe(1);
    const jobs = await env.DB.prepare("SELECT COUNT(*) AS n FROM impact_jobs WHERE candidate = ?")
      .bind(first.data.digest)
      .first();
    expect(jobs).toEqual({ n: 1 });

    expect((await release("v2.0.0", NEXT)).admitted).toEqual(["v2.0.0"]);
    await count();
    expect((await read(operator.token)).counts).toEqual(counts);
    expect(await previewed(at, bytes)).toMatchObject({ status: 409, error: { code: "schema_version_taken" } });
  });

  test("does not exist for tenants, and no range chooses it", async () => {
    const at = await impactWorld();
    const { w, operator, neighbour, deploy } = at;
    const me = await neighbour("me", ["identical"]);
    const { data } = await previewed(at, await archive(NEXT), { version: "v1.5.0" });
    const quarantined = await previewed(at, await archive({ ...FIRST, "templates/note.txt.j2": "{{ nowhere }}" }));
    expect(quarantined).toMatchObject({
      status: 200,
      data: { status: "quarantined", read_on: null, expires_at: null },
    });
    expect(quarantined.data.report.length).toBeGreaterThan(0);
    await w.settle();
    for (const token of [me.token, operator.token]) {
      const listed = await w.request<{ schemas: { pack: string; version: string }[] }>("GET", "/schemas", { token });
      const versions = listed.body.data.schemas.filter(({ pack }) => pack === w.name).map(({ version }) => version);
      expect(versions).toEqual(["v1.0.0"]);
      expect((await w.request("GET", `/schemas/v1.5.0?pack=${w.name}`, { token })).status).toBe(404);
      expect((await w.request("GET", `/schemas/v1.5.0/impact?pack=${w.name}`, { token })).status).toBe(404);
    }
    const path = data.read_on ?? "";
    expect((await w.request("GET", path, { token: operator.token })).status).toBe(200);
    expect((await w.request("GET", path, { token: me.token })).status).toBe(404);
    expect((await w.request("GET", path.replace("v1.5.0", "v2.0.0"), { token: operator.token })).status).toBe(404);
    // the newest that the range admits, and by its name
    const wish = { deployment_name: "wish", pack: w.name, schema_range: "*", config_data: {} };
    const made = await w.request<{ version: { schema_version: string } }>("POST", "/configurations", {
      token: me.token,
      body: wish,
    });
    expect(made.body.data.version.schema_version).toBe("v1.0.0");
    const named = { ...wish, deployment_name: "named", schema_version: "v1.5.0" };
    expect((await w.request("POST", "/configurations", { token: me.token, body: named })).status).toBe(400);
    await deploy(me.token, "other");
    const moved = await w.request("PUT", "/configurations/other", {
      token: me.token,
      headers: { "if-match": "*" },
      body: { schema_version: "v1.5.0", config_data: {} },
    });
    expect(moved.status).toBe(400);
    expect(await env.BACKUPS.get(`candidates/${data.digest}.json`)).toBeNull();
    // asking for one is the operator's
    expect(await previewed(at, await archive(NEXT), { token: me.token })).toMatchObject({ status: 403 });
  });

  test("goes away after seven days, with all that was counted, and comes back when it is sent again", async () => {
    const at = await impactWorld();
    const { w, operator, neighbour, count } = at;
    await neighbour("me", ["identical", "fails"]);
    const bytes = await archive(NEXT);
    const { data } = await previewed(at, bytes);
    await w.settle();
    await count();
    const key = `candidates/${data.digest}.json`;
    const rows = async () =>
      (
        await env.DB.prepare(
          "SELECT COUNT(*) AS n FROM impact_results r JOIN impact_jobs j ON j.id = r.job_id WHERE j.candidate = ?",
        )
          .bind(data.digest)
          .first<{ n: number }>()
      )?.n;
    expect([await env.QUADLETS.head(key), await rows()]).toEqual([expect.anything(), 2]);
    w.clock.advance(6 * 86_400);
    await w.sweep();
    expect(await env.QUADLETS.head(key)).not.toBeNull();
    w.clock.advance(86_401);
    expect((await w.request("GET", data.read_on ?? "", { token: operator.token })).status).toBe(404);
    // while it is being removed nobody may count on it
    await env.DB.prepare("UPDATE pack_candidates SET collecting = 1 WHERE digest = ?").bind(data.digest).run();
    expect(await previewed(at, bytes)).toMatchObject({ status: 503, error: { code: "candidate_expiring" } });
    // A sweep removes a few; those that other tests have left may be older.
    for (let n = 0; n < 20 && (await env.QUADLETS.head(key)) !== null; n++) await w.sweep();
    expect([await env.QUADLETS.head(key), await rows()]).toEqual([null, 0]);
    const left =
      "SELECT (SELECT COUNT(*) FROM pack_candidates WHERE digest = ?1) + (SELECT COUNT(*) FROM impact_jobs WHERE candidate = ?1) AS n";
    expect(await env.DB.prepare(left).bind(data.digest).first()).toEqual({ n: 0 });
    expect((await previewed(at, bytes)).status).toBe(202);
    await w.settle();
    await count();
    const back = await w.request("GET", data.read_on ?? "", { token: operator.token });
    expect(back.body.data).toMatchObject({ state: "done", counts: { ...NONE, identical: 1, fails: 1 } });
  });
});

describe("what is no pack is refused, in words, and nothing is stored", () => {
  const tar = async (...entries: { name: string; body?: string; type?: "file" | "symlink"; linkname?: string }[]) =>
    gzipSync(
      await packTar(
        entries.map(({ name, body = "", type = "file", linkname }) => ({
          header: { name, type, size: new TextEncoder().encode(body).length, ...(linkname && { linkname }) },
          body,
        })),
      ),
    );
  const whole = () => archive(FIRST);
  const HOSTILE: Record<string, [() => Promise<Uint8Array | string>, number, RegExp]> = {
    "nothing at all": [async () => "", 400, /pack_archive_truncated/],
    "no gzip": [async () => "no archive", 400, /pack_archive_(?:invalid|truncated)/],
    "gzip of no tar": [async () => gzipSync(new TextEncoder().encode("x".repeat(2000))), 400, /pack_/],
    "half an archive": [async () => (await whole()).subarray(0, 200), 400, /pack_archive_(?:truncated|invalid)/],
    "a flipped byte": [async () => (await whole()).map((byte, at) => (at === 60 ? byte ^ 0xff : byte)), 400, /pack_/],
    "a bomb": [async () => gzipSync(new Uint8Array(12_000_000)), 413, /pack_too_large/],
    "more than eight megabytes": [async () => new Uint8Array(LIMITS.pack_bytes_max.value + 1).fill(7), 413, /^$/],
    "too many files": [
      () =>
        tar(...Array.from({ length: LIMITS.pack_files_max.value + 1 }, (_, at) => ({ name: `templates/${at}.txt` }))),
      413,
      /pack_too_many_files/,
    ],
    "a path that leads out": [
      () => tar({ name: "schema.json", body: "{}" }, { name: "../evil.txt", body: "x" }),
      400,
      /pack_path_unsafe/,
    ],
    "an absolute path": [
      () => tar({ name: "schema.json", body: "{}" }, { name: "/etc/evil", body: "x" }),
      400,
      /pack_path_unsafe/,
    ],
    "a link": [
      () => tar({ name: "schema.json", type: "symlink", linkname: "/etc/passwd" }),
      400,
      /pack_entry_not_a_file/,
    ],
    "a path twice": [() => tar({ name: "a.txt", body: "1" }, { name: "a.txt", body: "2" }), 400, /pack_path_twice/],
    "no schema": [() => tar({ name: "templates/a.txt.j2", body: "x" }), 400, /schema/],
  };

  test("by everything that is hostile or broken", async () => {
    const at = await impactWorld();
    for (const [name, [bytes, status, codes]] of Object.entries(HOSTILE)) {
      const answer = await previewed(at, await bytes());
      const found = answer.error?.details?.map(({ code }) => code).join(" ") ?? "";
      expect([name, answer.status, found]).toEqual([name, status, expect.stringMatching(codes)]);
      const expected = status === 413 ? "candidate_too_large" : "candidate_unreadable";
      expect([name, answer.error?.code]).toEqual([name, expected]);
    }
    const form = await previewed(at, "{}", { type: "application/json" });
    expect(form).toMatchObject({ status: 415, error: { code: "candidate_media_type" } });
    expect(await previewed(at, await whole(), { version: "2.0" })).toMatchObject({ status: 400 });
    const stored = await env.DB.prepare("SELECT COUNT(*) AS n FROM pack_candidates WHERE pack = ?")
      .bind(at.w.name)
      .first();
    expect(stored).toEqual({ n: 0 });
    expect(await auditedOf(at)).toBe(0);
  });

  test("a body that ends in the middle is told so", async () => {
    const at = await impactWorld();
    const bytes = await whole();
    const cut = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(bytes.subarray(0, 100));
        controller.error(new Error("connection reset"));
      },
    });
    const answer = await at.preview(cut as unknown as string);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(await answer.json())).toMatch(/candidate_unreadable.*ends in the middle/);
  });
});

test("a schema version says how it follows the one before it, what was tried, and what happened to it since", async () => {
  const at = await impactWorld();
  const { w, operator, release, repository, sync } = at;
  await release("v1.1.0", NEXT);
  type Shown = {
    compatibility: { class: string; reasons?: string[] } | null;
    matrix_rows: number | null;
    alarm: object | null;
    yanked_reason: string | null;
    status: string;
    version: string;
    pack: string;
  };
  const one = async () =>
    (
      await w.request<Shown & { matrix: { rows: number } }>("GET", `/schemas/v1.1.0?pack=${w.name}`, {
        token: operator.token,
      })
    ).body.data;
  const listed = async (version: string) =>
    (await w.request<{ schemas: Shown[] }>("GET", "/schemas", { token: operator.token })).body.data.schemas.find(
      (row) => row.pack === w.name && row.version === version,
    );
  const verdict = { from: "v1.0.0", class: "breaking", deserved: "major", promised: "minor", is_overpromising: true };
  const shown = await one();
  expect(shown).toMatchObject({ compatibility: verdict, podman: { min: expect.any(String) as string }, alarm: null });
  expect(shown.compatibility?.reasons?.join(" ")).toMatch(/mode/);
  expect(shown.matrix.rows).toBe(shown.matrix_rows);
  expect(await listed("v1.1.0")).toMatchObject({ compatibility: verdict, matrix_rows: shown.matrix_rows });
  expect(await listed("v1.0.0")).toMatchObject({ compatibility: null, alarm: null, yanked_reason: null });
  await control("replaceAsset", { repository, release: "v1.1.0", files: { "schema.json": "{}" } });
  await sync();
  expect((await one()).alarm).toMatchObject({
    code: expect.any(String) as string,
    reason: expect.any(String) as string,
  });
  await control("removeRelease", { repository, release: "v1.1.0" });
  w.clock.advance(86_400);
  await sync();
  expect(await listed("v1.1.0")).toMatchObject({ status: "yanked", yanked_reason: expect.any(String) as string });
});
