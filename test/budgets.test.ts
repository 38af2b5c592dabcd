import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { createCaches } from "#registry/caches.ts";
import { fixtureCases, fixturePack, SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

/** Counts calls of bindings: a `batch` is one round trip, and so is a statement that is run by itself. */
function counted() {
  const counts = { d1: 0, r2_get: 0, r2_put: 0, r2_head: 0, kv: 0, queue: 0 };
  const prepare = (sql: string) => spy(env.DB.prepare(sql));
  const spy = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get(target, name: keyof D1PreparedStatement) {
        if (name === "bind") return (...values: unknown[]) => spy(target.bind(...values));
        const member = target[name] as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          if (name === "first" || name === "all" || name === "run" || name === "raw") counts.d1++;
          return (member as (...args: unknown[]) => unknown).apply(target, args);
        };
      },
    });
  const raw = (statement: D1PreparedStatement) => statement;
  const counting = <T extends object>(target: T, of: Partial<Record<keyof T, keyof typeof counts>>) =>
    new Proxy(target, {
      get(object, name) {
        const member = object[name as keyof T] as unknown;
        if (typeof member !== "function") return member;
        return (...args: unknown[]) => {
          const counter = of[name as keyof T];
          if (counter) counts[counter]++;
          return (member as (...args: unknown[]) => unknown).apply(object, args);
        };
      },
    });
  return {
    counts,
    total: () => Object.values(counts).reduce((sum, count) => sum + count, 0),
    reset: () => void Object.assign(counts, { d1: 0, r2_get: 0, r2_put: 0, r2_head: 0, kv: 0, queue: 0 }),
    bindings: {
      db: {
        prepare,
        batch: (statements: D1PreparedStatement[]) => (counts.d1++, env.DB.batch(statements.map(raw))),
      } as unknown as D1Database,
      files: counting(env.QUADLETS, { get: "r2_get", put: "r2_put", head: "r2_head" }),
      manifests: counting(env.MANIFESTS, { get: "kv", put: "kv" }),
      users: counting(env.USERS, { get: "kv", put: "kv" }),
    },
  };
}

test("save, render and poll stay within the calls of DESIGN 14", async () => {
  const meter = counted();
  const w = world({ ...meter.bindings, renderQueue: undefined as never });
  const queue: { version_id: string }[] = [];
  w.deps.renderQueue = {
    send: async (message: { version_id: string }) => (meter.counts.queue++, queue.push(message)),
    sendBatch: async () => {},
  } as never;
  const { token } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const { renderVersion } = await import("#consumers/render-version.ts");
  const body = (port: number) => ({ deployment_name: "site", pack: slug, config_data: { web: { port } } });
  const edit = (port: number) =>
    w.request("PUT", "/configurations/site", {
      token,
      headers: { "if-match": "*", "idempotency-key": `k${port}` },
      body: { config_data: { web: { port } } },
    });
  const none = { d1: 0, r2_get: 0, r2_put: 0, r2_head: 0, kv: 0, queue: 0 };
  const table: Record<string, unknown>[] = [];
  const measure = async (path: string, expected: Partial<typeof none>, act: () => Promise<unknown>) => {
    meter.reset();
    await act();
    table.push({ path, ...meter.counts });
    expect({ path, ...meter.counts }).toEqual({ path, ...none, ...expected });
  };

  await measure("save, cold", { d1: 3, queue: 1 }, () =>
    w.request("POST", "/configurations", { token, body: body(80), headers: { "idempotency-key": "k" } }),
  );
  await measure("save, schema in memory", { d1: 2, queue: 1 }, () => edit(81));
  const [first, second] = queue.map(({ version_id }) => version_id);
  await measure("render, cold", { d1: 3, r2_get: 1, r2_put: 4, kv: 1 }, () => renderVersion(w.deps, first!));
  await measure("render, pack in memory", { d1: 3, r2_put: 4, kv: 1 }, () => renderVersion(w.deps, second!));

  let etag = "";
  // the second is after the answer: which version the device was handed
  await measure("poll, 200", { d1: 2, r2_get: 1 }, async () => {
    etag = (await w.request("GET", "/config/latest", { token })).headers.get("etag")!;
  });
  await measure("poll, 304", { d1: 1 }, async () =>
    expect((await w.request("GET", "/config/latest", { token, headers: { "if-none-match": etag } })).status).toBe(304),
  );
  w.clock.advance(301);
  await measure("poll, 304, once in five minutes", { d1: 2 }, async () => {
    await w.request("GET", "/config/latest", { token, headers: { "if-none-match": etag } });
    await w.settle();
  });
  await measure("poll, 304, right after", { d1: 1 }, () =>
    w.request("GET", "/config/latest", { token, headers: { "if-none-match": etag } }),
  );
  console.log(table.map((row) => JSON.stringify(row)).join("\n"));
});

test("the largest fixture renders within 45 binding calls, cold", async () => {
  const meter = counted();
  const w = world(meter.bindings);
  const { token } = await w.tenant();
  await w.admit(fixturePack("v1.1.0"), "v1.1.0");
  const { renderVersion } = await import("#consumers/render-version.ts");
  let most = 0;
  for (const { name, text } of fixtureCases("v1.1.0")) {
    await w.request("POST", "/configurations", {
      token,
      body: { deployment_name: name, pack: w.name, config_data: JSON.parse(text) as unknown, allow_deprecated: true },
    });
    w.deps.caches = createCaches();
    meter.reset();
    expect((await renderVersion(w.deps, w.sent.splice(0)[0]!.version_id)).kind, name).toBe("rendered");
    most = Math.max(most, meter.total());
  }
  console.log(JSON.stringify({ largest_fixture_binding_calls: most }));
  expect(most).toBeLessThanOrEqual(45);
});
