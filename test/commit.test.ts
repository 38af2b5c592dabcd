import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { commitVersion } from "#actions/commit-version.ts";
import type { Principal } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

const save = (port: number) => ({ config_data: { web: { port } } });
type Saved = { version: { version: number; parent_version: number | null } };

const rows = async <T>(sql: string, ...values: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<T>()
  ).results;

async function tableCounts(workspaceId: string) {
  const tables = [
    "configurations",
    "configuration_versions",
    "render_jobs",
    "rendered_quadlets",
    "deployment_heads",
    "audit_log",
  ];
  const counts = tables.map(async (table) => {
    const [row] = await rows<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE workspace_id = ?`, workspaceId);
    return [table, row?.n] as const;
  });
  return Object.fromEntries(await Promise.all(counts));
}

describe("many writers at once", () => {
  test("100 creates and 100 overwriting saves over ten deployments: 200 gapless versions, all rendered, heads highest", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    const create = (name: string, port: number) =>
      w.request<Saved>("POST", "/configurations", {
        token,
        body: { deployment_name: name, pack: slug, ...save(port) },
      });
    for (let n = 0; n < 10; n++) expect((await create(`base-${n}`, 1 + n)).status).toBe(202);

    const answers = await Promise.all([
      ...Array.from({ length: 100 }, (_, n) => create(`new-${n}`, 1000 + n)),
      ...Array.from({ length: 100 }, (_, n) =>
        w.request<Saved>("PUT", `/configurations/base-${n % 10}`, {
          token,
          headers: { "if-match": "*" },
          body: save(2000 + n),
        }),
      ),
    ]);
    expect(answers.map(({ status }) => status).filter((status) => status !== 202)).toEqual([]);
    const numbers = answers.map(({ body }) => body.data.version.version).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, n) => n + 11));

    await w.deliver();
    const states = await rows<{ state: string; n: number }>(
      "SELECT state, COUNT(*) AS n FROM render_jobs WHERE workspace_id = ? GROUP BY state",
      id,
    );
    expect(states).toEqual([{ state: "rendered", n: 210 }]);
    const wrongHeads = await rows(
      `SELECT h.config_id FROM deployment_heads h WHERE h.workspace_id = ?
       AND h.version <> (SELECT MAX(version) FROM configuration_versions v WHERE v.config_id = h.config_id)`,
      id,
    );
    expect(wrongHeads).toEqual([]);
    // Each overwrite names the version that it really replaced: a chain per deployment, no fork.
    const forks = await rows(
      "SELECT config_id, parent_version FROM configuration_versions WHERE workspace_id = ? GROUP BY config_id, parent_version HAVING COUNT(*) > 1",
      id,
    );
    expect(forks).toEqual([]);
    expect(w.lines.filter(({ event }) => event === "object.replaced" || event === "render.diverged")).toEqual([]);
  });

  test("two edits of one parent: one is saved, the other is told what came in between, nothing is lost", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...save(80) } });
    const edit = (port: number) =>
      w.request<Saved>("PUT", "/configurations/site", { token, headers: { "if-match": '"1"' }, body: save(port) });
    const [a, b] = await Promise.all([edit(81), edit(82)]);
    expect([a.status, b.status].toSorted()).toEqual([202, 412]);
    const refused = a.status === 412 ? a : b;
    expect(refused.body.error).toMatchObject({
      code: "version_conflict",
      details: [{ version: 2, changes_summary: expect.stringMatching(/^Port: 80 -> 8[12]$/) }],
    });
    expect(await tableCounts(id)).toMatchObject({ configuration_versions: 2, render_jobs: 2 });
  });
});

describe("the guarded commit", () => {
  const principal = (id: string): Principal => ({
    userUuid: id,
    workspaceId: id,
    deviceId: "d1",
    epoch: 1,
    login: "x",
    role: "admin",
    isOperator: false,
    namespaces: ["/"],
    actor: `user:${id}`,
  });
  const draft = (configId: string, parent: number, slug: string) => ({
    config_id: configId,
    parent,
    config_data: '{"web":{"port":81}}',
    pack: slug,
    schema_version: "v1.0.0",
    podman_target: "5.4",
    origin: "save" as const,
    changes_summary: null,
    cli_version: null,
    idempotency: { route: "PUT /x", key: crypto.randomUUID(), fingerprint: "f" },
  });

  test("a stale parent writes nothing at all", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...save(80) } });
    const [config] = await rows<{ id: string }>("SELECT id FROM configurations WHERE workspace_id = ?", id);
    const before = await tableCounts(id);
    expect(await commitVersion(w.deps, principal(id), draft(config!.id, 7, slug))).toEqual({ kind: "guard_failed" });
    expect(await tableCounts(id)).toEqual(before);
    expect(await rows("SELECT 1 FROM idempotency_keys WHERE principal = ?", `user:${id}`)).toEqual([]);
  });

  test("on empty tables, too: no version of a configuration that does not exist", async () => {
    const w = world();
    const { id } = await w.tenant();
    expect(await commitVersion(w.deps, principal(id), draft(crypto.randomUUID(), 0, w.name))).toEqual({
      kind: "guard_failed",
    });
    expect(await tableCounts(id)).toMatchObject({ configuration_versions: 0, render_jobs: 0, audit_log: 0 });
  });

  test("repeated after it failed but had committed: one version, and the answer is that version", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...save(80) } });
    const answer = await withDb(w.deps, loseAnswerOnce(), (deps) =>
      world(deps).request<Saved>("PUT", "/configurations/site", {
        token,
        headers: { "if-match": '"1"', "idempotency-key": "once" },
        body: save(81),
      }),
    );
    expect(answer).toMatchObject({ status: 202, body: { data: { version: { version: 2 } } } });
    const repeated = await w.request<Saved>("PUT", "/configurations/site", {
      token,
      headers: { "if-match": '"1"', "idempotency-key": "once" },
      body: save(81),
    });
    expect(repeated).toMatchObject({ status: 202, body: { data: { version: { version: 2 } } } });
    expect(await tableCounts(id)).toMatchObject({ configuration_versions: 2, render_jobs: 2 });
  });

  test("the very same batch run twice changes nothing the second time", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...save(80) } });
    const db = {
      ...bound(env.DB),
      batch: async (statements: D1PreparedStatement[]) => {
        await env.DB.batch(statements);
        return env.DB.batch(statements);
      },
    } as D1Database;
    const answer = await world({ ...w.deps, db }).request<Saved>("PUT", "/configurations/site", {
      token,
      headers: { "if-match": '"1"' },
      body: save(81),
    });
    expect(answer).toMatchObject({ status: 202, body: { data: { version: { version: 2 } } } });
    expect(await tableCounts(id)).toMatchObject({ configuration_versions: 2, render_jobs: 2, audit_log: 2 });
  });
});

describe("the same Idempotency-Key", () => {
  test("answers the first version again, also for two at once; another body is refused", async () => {
    const w = world();
    const { token, id } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    const create = (port: number) =>
      w.request<Saved>("POST", "/configurations", {
        token,
        headers: { "idempotency-key": "k1" },
        body: { deployment_name: "site", pack: slug, ...save(port) },
      });
    const answers = [...(await Promise.all([create(80), create(80), create(80)])), await create(80)];
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect(answers.map(({ body }) => body.data.version.version)).toEqual([1, 1, 1, 1]);
    expect(await create(81)).toMatchObject({ status: 422, body: { error: { code: "idempotency_key_reused" } } });
    expect(await tableCounts(id)).toMatchObject({ configurations: 1, configuration_versions: 1 });
  });

  test("is looked at before If-Match: a repeat of a save that moved the version is no conflict", async () => {
    const w = world();
    const { token } = await w.tenant();
    const { slug } = await w.admit(SMALL_PACK);
    await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...save(80) } });
    const edit = () =>
      w.request<Saved>("PUT", "/configurations/site", {
        token,
        headers: { "if-match": '"1"', "idempotency-key": "k" },
        body: save(81),
      });
    expect([(await edit()).status, (await edit()).status]).toEqual([202, 202]);
  });
});

test("an equal save makes no version, and queues a failed one again", async () => {
  const w = world();
  const { token, id } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const broken = { config_data: { web: { port: 80 }, break_it: true } };
  await w.request("POST", "/configurations", { token, body: { deployment_name: "site", pack: slug, ...broken } });
  await w.deliver();
  expect(await w.request("GET", "/renders/1", { token })).toMatchObject({ body: { data: { state: "failed" } } });
  const again = await w.request<Saved>("PUT", "/configurations/site", {
    token,
    headers: { "if-match": "*" },
    body: broken,
  });
  expect(again).toMatchObject({
    status: 200,
    body: { data: { unchanged: true, version: { version: 1, render: { state: "queued" } } } },
  });
  expect(await tableCounts(id)).toMatchObject({ configuration_versions: 1 });
});

/** A D1 whose next commit is carried out and whose answer is then lost. */
function loseAnswerOnce() {
  let armed = true;
  return {
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      if (armed && statements.length > 5) {
        armed = false;
        throw new Error("D1_ERROR: Network connection lost.");
      }
      return results;
    },
  };
}

const bound = (db: D1Database) => ({ prepare: db.prepare.bind(db), batch: db.batch.bind(db), exec: db.exec.bind(db) });
const withDb = <T>(deps: Deps, replaced: object, run: (deps: Deps) => Promise<T>) =>
  run({ ...deps, db: { ...bound(deps.db), ...replaced } as D1Database });
