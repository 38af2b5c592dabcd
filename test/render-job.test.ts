import { env } from "cloudflare:workers";
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { consume } from "#consumers/outcome.ts";
import { handleDeadLetter, handleRenderMessage } from "#consumers/render-message.ts";
import { renderVersion } from "#consumers/render-version.ts";
import { jobStore } from "#store/job-store.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

type World = ReturnType<typeof world>;
const rows = async <T>(sql: string, ...values: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<T>()
  ).results;

async function saved(w: World, configs: object[] = [{ web: { port: 80 } }]) {
  const tenant = await w.tenant();
  const { slug, version } = await w.admit(SMALL_PACK);
  for (const [index, config_data] of configs.entries())
    await w.request("POST", "/configurations", {
      token: tenant.token,
      body: { deployment_name: `site-${index}`, pack: slug, schema_version: version, config_data },
    });
  return { ...tenant, slug };
}

const state = async (w: World, token: string, version = 1) =>
  (
    await w.request<{
      state: string;
      failure: { code: string; findings: { place?: object; code: string }[] } | null;
      attempts: number;
    }>("GET", `/renders/${version}`, { token })
  ).body.data;

/** Every object of a workspace, with its digest: what must not change. */
async function objects(workspaceId: string) {
  const { objects: found } = await env.QUADLETS.list({ prefix: `${workspaceId}/` });
  return found.map(({ key, etag }) => `${key} ${etag}`);
}

describe("without any message", () => {
  test("the sweep alone renders everything, when every send fails", async () => {
    const w = world({
      renderQueue: {
        send: () => Promise.reject(new Error("queue is down")),
        sendBatch: () => Promise.reject(new Error("queue is down")),
      },
    });
    const { token, id } = await saved(
      w,
      Array.from({ length: 30 }, (_, port) => ({ web: { port: port + 1 } })),
    );
    expect(w.lines.filter(({ event }) => event === "nudge.lost")).toHaveLength(30);
    const states = () => rows("SELECT state, COUNT(*) AS n FROM render_jobs WHERE workspace_id = ? GROUP BY state", id);
    // Two minutes do thirty, unless other tests of this run have left jobs that are older.
    for (
      let minute = 0;
      minute < 20 && (await states()).some((row) => JSON.stringify(row).includes("queued"));
      minute++
    ) {
      w.clock.advance(60);
      await w.sweep();
    }
    expect(await states()).toEqual([{ state: "rendered", n: 30 }]);
    expect((await state(w, token, 30)).state).toBe("rendered");
  });

  test("a fresh job is left to its message", async () => {
    const w = world();
    const { token } = await saved(w);
    await w.sweep();
    expect((await state(w, token)).state).toBe("queued");
  });

  test("a message that the queue gave up on makes its job due, and decides nothing else", async () => {
    let isDown = false;
    const w = world({ files: faulty(env.QUADLETS, () => isDown) });
    const { token, id } = await saved(w);
    isDown = true;
    await w.deliver();
    const [message] = await rows<{ version_id: string; next_attempt_at: string }>(
      "SELECT version_id, next_attempt_at FROM render_jobs WHERE workspace_id = ?",
      id,
    );
    await handleDeadLetter(w.deps, { kind: "render-version", version_id: message!.version_id });
    const [after] = await rows<{ next_attempt_at: string }>(
      "SELECT next_attempt_at FROM render_jobs WHERE version_id = ?",
      message!.version_id,
    );
    expect(after!.next_attempt_at < message!.next_attempt_at).toBe(true);
    expect((await state(w, token)).state).toBe("queued");
  });
});

describe("delivered more than once", () => {
  test("the same message five times: one render row, the same bytes", async () => {
    const w = world();
    const { id } = await saved(w);
    const message = w.sent[0];
    await w.deliver();
    const before = await objects(id);
    for (let time = 0; time < 4; time++) await handleRenderMessage(w.deps, message);
    expect(await objects(id)).toEqual(before);
    expect(await rows("SELECT version FROM rendered_quadlets WHERE workspace_id = ?", id)).toEqual([{ version: 1 }]);
    expect(
      await rows("SELECT seq FROM audit_log WHERE workspace_id = ? AND action = 'version.rendered'", id),
    ).toHaveLength(1);
  });

  test("two consumers at once: one of them renders", async () => {
    const w = world();
    const { id } = await saved(w);
    const versionId = w.sent[0]!.version_id;
    const outcomes = await Promise.all([renderVersion(w.deps, versionId), renderVersion(w.deps, versionId)]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(["nothing_due", "rendered"]);
    expect(await rows("SELECT version FROM rendered_quadlets WHERE workspace_id = ?", id)).toHaveLength(1);
  });

  test("version 2 rendered before version 1: the head stays at 2", async () => {
    const w = world();
    const { token, id } = await saved(w);
    await w.request("PUT", "/configurations/site-0", {
      token,
      headers: { "if-match": "*" },
      body: { config_data: { web: { port: 81 } } },
    });
    for (const message of w.sent.splice(0).toReversed()) await handleRenderMessage(w.deps, message);
    expect(await rows("SELECT version FROM deployment_heads WHERE workspace_id = ?", id)).toEqual([{ version: 2 }]);
    expect(await rows("SELECT version FROM rendered_quadlets WHERE workspace_id = ? ORDER BY sequence_id", id)).toEqual(
      [{ version: 2 }, { version: 1 }],
    );
  });
});

describe("what fails", () => {
  test("a poison configuration among healthy ones: only it fails, with file, line and column", async () => {
    const w = world();
    const { token } = await saved(w, [
      { web: { port: 1 } },
      { web: { port: 2 }, break_it: true },
      { web: { port: 3 } },
    ]);
    const batch = createMessageBatch(
      "leger-render-test",
      w.sent.map((body, index) => ({ id: `m${index}`, timestamp: new Date(0), attempts: 1, body })),
    );
    await consume(batch, w.deps.log, (body) => handleRenderMessage(w.deps, body));
    expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual(["m0", "m1", "m2"]);
    expect([
      (await state(w, token, 1)).state,
      (await state(w, token, 2)).state,
      (await state(w, token, 3)).state,
    ]).toEqual(["rendered", "failed", "rendered"]);
    const { failure } = await state(w, token, 2);
    expect(failure).toMatchObject({
      code: "render_failed",
      findings: [{ place: { file: "templates/web.container.j2", line: 8, column: expect.any(Number) } }],
    });
    expect(await w.request("GET", "/config/latest?deployment=site-1", { token })).toMatchObject({
      status: 404,
      body: { error: { code: "nothing_deployed" } },
    });
  });

  test("a unit that would not start fails the job with its findings, and the head stays where it was", async () => {
    const w = world();
    const { token } = await saved(w);
    await w.deliver();
    const empty = { web: { port: 80, image: "" } };
    await w.request("PUT", "/configurations/site-0", {
      token,
      headers: { "if-match": "*" },
      body: { config_data: empty },
    });
    await w.deliver();
    expect(await state(w, token, 2)).toMatchObject({
      state: "failed",
      failure: {
        findings: [
          {
            code: "required_key",
            place: { file: "web.container", line: 5 },
            template: { file: "templates/web.container.j2", line: 5 },
            decision: "/web/image",
          },
        ],
      },
    });
    expect(await w.request("GET", "/config/latest", { token })).toMatchObject({ body: { data: { version: 1 } } });
  });

  test("a value that would add a key to a unit ends the job, with the place in the template", async () => {
    const w = world();
    const { token } = await saved(w, [{ web: { port: 81, image: "docker.io/library/caddy:2\nExec=evil" } }]);
    await w.deliver();
    expect(await state(w, token)).toMatchObject({
      state: "failed",
      failure: { findings: [{ severity: "error", place: { file: "templates/web.container.j2", line: 5 } }] },
    });
  });

  test("garbage in the queue is acknowledged and holds up nobody", async () => {
    const w = world();
    const { token } = await saved(w);
    const bodies: unknown[] = [
      "garbage",
      { kind: "render-version" },
      { kind: "other", version_id: crypto.randomUUID() },
      w.sent[0],
      { kind: "render-version", version_id: crypto.randomUUID() },
    ];
    const batch = createMessageBatch(
      "leger-render-test",
      bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(0), attempts: 1, body })),
    );
    await consume(batch, w.deps.log, (body) => handleRenderMessage(w.deps, body));
    expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toHaveLength(5);
    expect((await state(w, token)).state).toBe("rendered");
  });

  test("a render that ends its isolate every time fails as render_crashed after five leases", async () => {
    const w = world();
    const { token } = await saved(w, [{ web: { port: 1 } }, { web: { port: 2 } }]);
    const [dying, healthy] = w.sent.splice(0);
    for (let crash = 0; crash < 5; crash++) {
      const now = w.clock.now().toISOString();
      const lease = {
        version_id: dying!.version_id,
        now,
        lease_id: crypto.randomUUID(),
        lease_until: new Date(w.clock.now().getTime() + 120_000).toISOString(),
      };
      expect(await jobStore.lease.first(env.DB, lease)).not.toBeNull(); // and nothing ever comes back
      w.clock.advance(121);
    }
    await handleRenderMessage(w.deps, healthy);
    await w.sweep();
    expect(await state(w, token, 1)).toMatchObject({
      state: "failed",
      failure: { code: "render_crashed" },
      attempts: 5,
    });
    expect((await state(w, token, 2)).state).toBe("rendered");
    expect(await w.request("POST", "/renders/1/retry", { token })).toMatchObject({
      status: 202,
      body: { data: { state: "queued", attempts: 0 } },
    });
    await w.deliver();
    expect((await state(w, token, 1)).state).toBe("rendered");
  });

  test("an outage of storage for hours fails nothing: rendered within 15 minutes of its end", async () => {
    let isDown = false;
    const w = world({ files: faulty(env.QUADLETS, () => isDown) });
    const { token } = await saved(w);
    isDown = true;
    await w.deliver();
    for (let minute = 0; minute < 180; minute++) {
      w.clock.advance(60);
      await w.sweep();
    }
    expect(await state(w, token)).toMatchObject({ state: "queued", failure: null });
    isDown = false;
    let minutes = 0;
    for (; minutes < 15 && (await state(w, token)).state !== "rendered"; minutes++) {
      w.clock.advance(60);
      await w.sweep();
    }
    expect((await state(w, token)).state).toBe("rendered");
  });

  test("a KV that refuses costs a cached copy, not the render", async () => {
    const w = world({ manifests: { put: () => Promise.reject(new Error("KV is down")) } as unknown as KVNamespace });
    const { token } = await saved(w);
    await w.deliver();
    expect((await state(w, token)).state).toBe("rendered");
    expect(w.lines.some(({ event }) => event === "cache.missed")).toBe(true);
  });
});

describe("another engine version between two attempts", () => {
  const otherEngine = (w: World) => world({ ...w.deps, engineVersion: "0-test" });

  test("a dead attempt's files are replaced before the manifest exists", async () => {
    const w = world();
    const { token, id } = await saved(w);
    // what a dead attempt of an engine with other output left: one file, no manifest
    await env.QUADLETS.put(`${id}/v1/greeting.txt`, "other bytes\n");
    await w.deliver();
    expect((await state(w, token)).state).toBe("rendered");
    expect(w.lines.some(({ event }) => event === "object.replaced")).toBe(true);
    expect((await w.request("GET", "/config/1/files/greeting.txt", { token })).body).toBe("hello");
  });

  test("once a manifest exists it is the result, and the render row names its engine", async () => {
    const w = world();
    const { token, id } = await saved(w);
    const versionId = w.sent[0]!.version_id;
    // the first attempt dies between its manifest and its rows
    const dying = otherEngine(w);
    dying.deps.db = { prepare: env.DB.prepare.bind(env.DB), batch: failBatchNumber(2) } as unknown as D1Database;
    expect((await renderVersion(dying.deps, versionId)).kind).toBe("postponed");
    w.clock.advance(300);
    await w.sweep();
    expect((await state(w, token)).state).toBe("rendered");
    expect(await rows("SELECT engine_version FROM rendered_quadlets WHERE workspace_id = ?", id)).toEqual([
      { engine_version: "0-test" },
    ]);
    expect(await w.request("GET", "/config/latest", { token })).toMatchObject({ status: 200 });
    expect(w.lines.some(({ event }) => event === "render.adopted")).toBe(true);
  });

  test("whoever lost the lease puts no manifest", async () => {
    const w = world();
    const { id } = await saved(w);
    const slow = world({ ...w.deps, files: beforePutOf("web.network", env.QUADLETS, () => w.clock.advance(121)) });
    expect((await renderVersion(slow.deps, w.sent[0]!.version_id)).kind).toBe("lease_lost");
    expect(await env.QUADLETS.head(`${id}/v1/manifest.json`)).toBeNull();
    await w.sweep();
    expect(await rows("SELECT version FROM rendered_quadlets WHERE workspace_id = ?", id)).toHaveLength(1);
  });
});

test("one decision changed: every unrelated file is byte-identical", async () => {
  const w = world();
  const { token } = await saved(w);
  await w.request("PUT", "/configurations/site-0", {
    token,
    headers: { "if-match": "*" },
    body: { config_data: { web: { port: 80, greeting: "hi" } } },
  });
  await w.deliver();
  type Rendered = { manifest: { files: { filename: string; sha256: string }[] } };
  const digests = async (version: number) =>
    new Map(
      (await w.request<Rendered>("GET", `/config/${version}`, { token })).body.data.manifest.files.map(
        ({ filename, sha256 }) => [filename, sha256],
      ),
    );
  const [before, after] = [await digests(1), await digests(2)];
  expect([...after].filter(([name, sha256]) => before.get(name) !== sha256).map(([name]) => name)).toEqual([
    "greeting.txt",
  ]);
});

test("a pack that R2 lost is restored and the render goes on", async () => {
  const w = world();
  const { token, slug } = await saved(w);
  const { objects: packs } = await env.QUADLETS.list({ prefix: `packs/${slug}/` });
  await env.QUADLETS.delete(packs.map(({ key }) => key));
  await w.deliver();
  expect((await state(w, token)).state).toBe("rendered");
  expect((await env.QUADLETS.list({ prefix: `packs/${slug}/` })).objects).toHaveLength(1);
});

/** A bucket that fails while `isDown` says so. */
function faulty(bucket: R2Bucket, isDown: () => boolean): R2Bucket {
  return new Proxy(bucket, {
    get(target, name: keyof R2Bucket) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => (isDown() ? Promise.reject(new Error("R2 is down")) : method.apply(target, args));
    },
  });
}

function beforePutOf(filename: string, bucket: R2Bucket, action: () => void): R2Bucket {
  return new Proxy(bucket, {
    get(target, name: keyof R2Bucket) {
      const method = target[name] as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => {
        if (name === "put" && String(args[0]).endsWith(filename)) action();
        return method.apply(target, args);
      };
    },
  });
}

/** A `batch` whose n-th call fails before it is sent. */
function failBatchNumber(n: number) {
  let calls = 0;
  return (statements: D1PreparedStatement[]) =>
    ++calls === n ? Promise.reject(new Error("Network connection lost")) : env.DB.batch(statements);
}
