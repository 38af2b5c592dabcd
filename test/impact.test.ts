import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { DECISIONS, NEXT } from "./impact-packs.ts";
import { NONE, impactWorld } from "./impact-world.ts";
import { control } from "./upstream-control.ts";
import { countImpact } from "#actions/count-impact.ts";

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000 });
});

const ALL = { identical: 1, changed: 1, restarts: 1, data_risk: 1, needs_input: 1, fails: 1 };
const kindOf = (name: string) => name.replace("-", "_");

describe("what a release would do", () => {
  test("is found for each class, after admission and without being asked", async () => {
    const { w, operator, release, neighbour, read, count } = await impactWorld();
    const me = await neighbour("me");
    expect((await release("v2.0.0", NEXT)).admitted).toEqual(["v2.0.0"]);
    expect(await read(operator.token)).toMatchObject({ state: "running", progress: 0 });
    await w.sweep();
    await count();
    expect(await read(operator.token)).toMatchObject({
      state: "done",
      progress: 100,
      counts: ALL,
      totals: { configurations: 6, seen: 6 },
      configurations: [],
    });
    const mine = (await read(me.token)).configurations;
    expect(Object.fromEntries(mine.map((one) => [one.name.slice(3), one.class]))).toEqual(
      Object.fromEntries(Object.keys(DECISIONS).map((kind) => [kind, kindOf(kind)])),
    );
    const texts = Object.fromEntries(mine.map((one) => [one.class, one.text]));
    expect(texts).toEqual({
      identical: "Nothing changes on any device.",
      changed: "1 file would change, and no service restarts.",
      restarts: "1 file would change. Touches app.",
      data_risk: expect.stringMatching(/^Data is at risk: volume renamed \(.*\)\. Touches .*app/),
      needs_input: "Cannot move before somebody decides team.owner.",
      fails: expect.stringMatching(/^Cannot move: decision_\w+ \(mode\)\.$/),
    });
  });

  test("is what accepting the proposal then does", async () => {
    const { w, release, neighbour, read, count } = await impactWorld();
    const me = await neighbour("me", []);
    for (const [kind, config_data] of Object.entries(DECISIONS)) {
      const body = {
        deployment_name: kind,
        pack: w.name,
        schema_version: "v1.0.0",
        schema_range: "*",
        upgrade_policy: "propose",
        config_data,
      };
      expect((await w.request("POST", "/configurations", { token: me.token, body })).status).toBe(202);
    }
    await w.deliver();
    await release("v2.0.0", NEXT);
    await count();
    const told = new Map((await read(me.token)).configurations.map((one) => [one.name, one]));
    await w.announce();
    await w.deliver();
    const listed = await w.request<{ proposals: { id: string; deployment_name: string; class: string }[] }>(
      "GET",
      "/proposals",
      { token: me.token },
    );
    expect(listed.body.data.proposals).toHaveLength(6);
    for (const { id, deployment_name, class: proposed } of listed.body.data.proposals) {
      const impact = told.get(deployment_name);
      expect([deployment_name, proposed]).toEqual([deployment_name, impact?.class]);
      const accepted = await w.request<{ version: number }>("POST", `/proposals/${id}/accept`, {
        token: me.token,
        body: { accept_losses: true },
      });
      const isPossible = proposed !== "needs_input" && proposed !== "fails";
      expect([deployment_name, accepted.status]).toEqual([deployment_name, isPossible ? 202 : 409]);
      if (!isPossible) continue;
      await w.deliver();
      const { version } = accepted.body.data;
      const parent = impact?.detail["base_version"];
      const compared = await w.request<{
        diff: unknown[];
        plan: { risks: { code: string; service: string | null }[]; steps: { action: string; target: string }[] };
      }>("GET", `/configurations/${deployment_name}/versions/${version}/diff?against=${String(parent)}`, {
        token: me.token,
      });
      const { diff: files, plan } = compared.body.data;
      const touched = plan.steps.filter(({ action }) => ["stop", "remove", "start", "restart"].includes(action));
      expect({
        files_changed: files.length,
        services: [...new Set(touched.map(({ target }) => target))],
        risks: plan.risks.map(({ code, service }) => ({ code, service })),
      }).toEqual({
        files_changed: impact?.detail["files_changed"],
        services: impact?.detail["services"],
        risks: impact?.detail["risks"],
      });
    }
  });

  test("leaves out who is there already, who is newer, paused or deleted, and says nothing of values", async () => {
    const { w, operator, release, neighbour, deploy, read, count } = await impactWorld();
    const me = await neighbour("me", ["data-risk", "fails"]);
    await release("v2.0.0", NEXT);
    await deploy(me.token, "there", { schema_version: "v2.0.0" });
    for (const name of ["paused", "deleted"]) await deploy(me.token, name);
    await w.deliver();
    await env.DB.prepare(
      "UPDATE configurations SET is_active = 0 WHERE deployment_name = 'paused' AND workspace_id = ?",
    )
      .bind(me.id)
      .run();
    await w.request("DELETE", "/configurations/deleted", { token: me.token, headers: { "if-match": "*" } });
    await count();
    expect(await read(operator.token)).toMatchObject({
      state: "done",
      counts: { ...NONE, data_risk: 1, fails: 1 },
      totals: { seen: 3 },
    });
    const { results } = await env.DB.prepare("SELECT detail FROM impact_results WHERE workspace_id = ?")
      .bind(me.id)
      .all();
    expect(JSON.stringify(results)).not.toMatch(/canary|huge|data-big|4711/);
    expect(JSON.stringify(results)).toContain("volume_renamed");
    // a version that nobody has to move to
    expect(await read(operator.token, "v1.0.0")).toMatchObject({ state: "done", counts: NONE });
  });
});

describe("a count that is interrupted", () => {
  /** More than one page. */
  async function crowd() {
    const at = await impactWorld();
    const me = await at.neighbour("me", []);
    for (let n = 0; n < 20; n++) await at.deploy(me.token, `site-${n}`, { decisions: n < 7 ? { tune: true } : {} });
    await at.w.deliver();
    await at.release("v2.0.0", NEXT);
    return { ...at, me };
  }
  const EXPECTED = { state: "done", counts: { ...NONE, identical: 13, restarts: 7 }, totals: { seen: 20 } };

  test("goes on at its cursor, whether a read fails or nobody comes back", async () => {
    const { w, operator, me, read, count } = await crowd();
    // from the tenth on no look at a configuration succeeds: what came before is kept
    const { db } = w.deps;
    let looks = 0;
    w.deps.db = new Proxy(db, {
      get: (target, key) => {
        if (key === "prepare")
          return (sql: string) => {
            if (sql.includes("c.id = ?2 AND c.deleted_at IS NULL") && ++looks >= 10)
              throw new Error("Network connection lost.");
            return target.prepare(sql);
          };
        const value: unknown = Reflect.get(target, key);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    await countImpact(w.deps);
    w.deps.db = db;
    expect(looks).toBeGreaterThanOrEqual(10);
    const half = await read(operator.token);
    expect(half).toMatchObject({ state: "running", totals: { seen: 9 } });
    expect((await read(me.token)).configurations).toHaveLength(9);
    // somebody took a page and died: its lease ends
    w.clock.advance(121);
    await env.DB.prepare(
      "UPDATE impact_jobs SET attempts = 1, next_attempt_at = ? WHERE pack = ? AND state = 'running'",
    )
      .bind(new Date(w.clock.at.getTime() + 100_000).toISOString(), w.name)
      .run();
    await countImpact(w.deps);
    expect(await read(operator.token)).toMatchObject({ state: "running", totals: { seen: 9 } });
    w.clock.advance(121);
    await count();
    expect(await read(operator.token)).toMatchObject(EXPECTED);
  });

  test("counts nobody twice when two hold the same page", async () => {
    const { w, operator, read, count } = await crowd();
    // the second takes the job although the first holds it: as if the lease had ended in the middle
    const { db } = w.deps;
    const held = async () => {
      const batch = db.batch.bind(db);
      const slow = new Proxy(db, {
        get: (target, key) => {
          if (key === "batch")
            return async (statements: D1PreparedStatement[]) => {
              if (statements.length === 3 || statements.length === 4) {
                await env.DB.prepare("UPDATE impact_jobs SET next_attempt_at = '' WHERE pack = ?").bind(w.name).run();
                await countImpact({ ...w.deps, db });
              }
              return batch(statements);
            };
          const value: unknown = Reflect.get(target, key);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      await countImpact({ ...w.deps, db: slow });
    };
    await held();
    await Promise.all([countImpact(w.deps), countImpact(w.deps)]);
    await count();
    expect(await read(operator.token)).toMatchObject(EXPECTED);
    const rows = await env.DB.prepare(
      "SELECT COUNT(*) AS n FROM impact_results r JOIN impact_jobs j ON j.id = r.job_id WHERE j.pack = ?",
    )
      .bind(w.name)
      .first();
    expect(rows).toEqual({ n: 20 });
  });

  test("passes a configuration that ends every attempt, and counts anew when it is asked to", async () => {
    const { w, operator, me, read, path, count } = await crowd();
    const jobs = "UPDATE impact_jobs SET attempts = 5 WHERE pack = ? AND state = 'running'";
    await env.DB.prepare(jobs).bind(w.name).run();
    await count();
    const first = await read(operator.token);
    expect(first).toMatchObject({ state: "done", counts: { fails: 1 }, totals: { seen: 20 } });
    expect((await read(me.token)).configurations.find((one) => one.class === "fails")?.text).toBe(
      "Cannot move: impact_unknown.",
    );
    const again = async () => (await w.request("POST", path("v2.0.0"), { token: operator.token, body: {} })).status;
    const audited = async () =>
      (
        await env.DB.prepare("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'impact.requested' AND target = ?")
          .bind(`schema:${w.name}/v2.0.0`)
          .first<{ n: number }>()
      )?.n;
    expect([await again(), await again()]).toEqual([202, 202]);
    expect(await audited()).toBe(1);
    await w.settle();
    await count();
    expect(await read(operator.token)).toMatchObject(EXPECTED);
  });
});

describe("who may read what", () => {
  test("small groups are hidden, others' names never shown, and a moving count not at all", async () => {
    const { w, operator, release, neighbour, read, count } = await impactWorld();
    const me = await neighbour("me", ["fails", "restarts"]);
    for (let n = 0; n < 5; n++) await neighbour(`n${n}`, n === 0 ? ["identical", "changed"] : ["identical"]);
    await release("v2.0.0", NEXT);
    expect(await read(me.token)).toMatchObject({ state: "running", counts: null, totals: null });
    await count();
    expect((await read(operator.token)).counts).toEqual({ ...NONE, identical: 5, changed: 1, restarts: 1, fails: 1 });
    // one neighbour's `changed` is hidden; `identical` alone would give it away to who knows how many there are
    const mine = await read(me.token);
    expect(mine).toMatchObject({ state: "done", totals: null });
    expect(Object.values(mine.counts ?? {})).toEqual([null, null, null, null, null, null]);
    expect(mine.configurations.map(({ name }) => name).toSorted()).toEqual(["me-fails", "me-restarts"]);
    expect(JSON.stringify(mine)).not.toMatch(/n[0-4]-/);
    // without that neighbour there is nobody to give away
    const [one] = (
      await env.DB.prepare(
        "SELECT id, workspace_id FROM configurations WHERE pack = ? AND deployment_name = 'n0-changed'",
      )
        .bind(w.name)
        .all<{ id: string; workspace_id: string }>()
    ).results;
    await env.DB.prepare("UPDATE configurations SET is_active = 0 WHERE id = ?").bind(one?.id).run();
    await w.request("POST", `/schemas/v2.0.0/impact?pack=${w.name}`, { token: operator.token, body: {} });
    await w.settle();
    await count();
    const shown = { identical: 5, changed: null, restarts: null, data_risk: null, needs_input: null, fails: null };
    expect((await read(me.token)).counts).toEqual(shown);
    // a sixth of one of the five is not a sixth neighbour
    const fifth = await read((await w.tenant(`n4-${w.name}@example.com`, "n4")).token);
    expect(fifth.counts).toEqual({ ...shown, identical: null });
  });

  test("pages of one's own are pages; a generator sees its namespaces", async () => {
    const { w, release, neighbour, deploy, read, count } = await impactWorld();
    const me = await neighbour("me", ["identical", "fails", "changed"]);
    await deploy(me.token, "inner", { namespace: "/prod/site-a" });
    await release("v2.0.0", NEXT);
    await count();
    const first = await read(me.token, "v2.0.0", "&limit=3");
    const rest = await read(me.token, "v2.0.0", `&limit=3&cursor=${first.next_cursor}`);
    expect([first.configurations.length, rest.configurations.length, rest.next_cursor]).toEqual([3, 1, null]);
    const made = await w.request<{ token: string }>("POST", "/generators", {
      token: me.token,
      body: { name: "ci", scopes: ["schemas:read"], namespaces: ["/prod"] },
    });
    expect((await read(made.body.data.token, "v2.0.0", "&limit=1")).configurations.map(({ name }) => name)).toEqual([
      "inner",
    ]);
  });

  test("a version that is not there is 404, one that nobody can move to 409, and asking again is the operator's", async () => {
    const { w, release, neighbour, path } = await impactWorld();
    const { token } = await neighbour("me", []);
    const outcome = await release("v2.0.0", { ...NEXT, "templates/note.txt.j2": "{{ nowhere }}" });
    expect(outcome.quarantined).toEqual(["v2.0.0"]);
    const code = async (method: string, version: string, query = "") => {
      const answer = await w.request(method, path(version, query), { token, ...(method === "POST" && { body: {} }) });
      return [answer.status, answer.body.error.code];
    };
    expect(await code("GET", "v7.0.0")).toEqual([404, "schema_not_found"]);
    expect(await code("GET", "v2.0.0")).toEqual([409, "schema_not_ready"]);
    expect(await code("GET", "v1.0.0", `&candidate=${"0".repeat(64)}`)).toEqual([404, "schema_not_found"]);
    expect(await code("GET", "v1.0.0", "&candidate=x")).toEqual([400, "request_invalid"]);
    expect(await code("POST", "v1.0.0")).toEqual([403, "insufficient_permissions"]);
  });
});
