import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { resumePurges } from "#consumers/resume-purges.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

type Saved = { version: { version: number; origin: string; config_id: string } };
type Listed = {
  configurations: { config_id: string; name: string; purged_at: string | null }[];
  next_cursor: string | null;
};
type Purge = { state: string; objects_removed: number; backups_expire_at: string };

const CANARY = "canary-in-the-greeting";
const content = (port: number) => ({ web: { port, greeting: CANARY } });

async function home() {
  const w = world();
  const { token, id } = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const send = <T = Record<string, unknown>>(method: string, path: string, body?: unknown) =>
    w.request<T>(method, path, { token, headers: { "if-match": "*" }, ...(body !== undefined && { body }) });
  const create = (port: number, name = "site") =>
    send<Saved>("POST", "/configurations", { deployment_name: name, pack: slug, config_data: content(port) });
  return { w, id, send, create, slug };
}
const rows = async (sql: string, ...values: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all()
  ).results;
const objects = async (id: string) => (await env.QUADLETS.list({ prefix: `${id}/` })).objects.map(({ key }) => key);

// A sweep takes few purges: those that other files left under way would come before the ones of these tests.
beforeEach(async () => {
  await env.DB.prepare("UPDATE purges SET finished_at = requested_at WHERE finished_at IS NULL").run();
});

describe("a deleted configuration", () => {
  test("is hidden at once, frees its name, and comes back as a new version in the order of everything else", async () => {
    const { w, send, create } = await home();
    await create(80);
    await w.deliver();
    await send("DELETE", "/configurations/site");
    expect((await send("GET", "/configurations/site")).status).toBe(404);
    expect((await send("GET", "/config/latest?deployment=site")).body.data).toMatchObject({
      deleted: true,
      version: 2,
    });
    const listed = await send<Listed>("GET", "/configurations?deleted=true");
    expect(listed.body.data.configurations).toMatchObject([{ name: "site", version: 2, purged_at: null }]);

    const restored = await send<Saved>("POST", "/configurations/site/restore", {});
    expect(restored).toMatchObject({
      status: 202,
      body: { data: { version: { version: 3, origin: "restore", parent_version: 2, changes_summary: "Restored" } } },
    });
    await w.deliver();
    expect((await send("GET", "/config/latest?deployment=site")).body.data).toMatchObject({
      deleted: false,
      version: 3,
    });
    const actions = await rows(
      "SELECT action FROM audit_log WHERE target = ? ORDER BY seq",
      `configuration:${restored.body.data.version.config_id}`,
    );
    expect(actions.map(({ action }) => action)).toEqual([
      "version.created",
      "version.rendered",
      "configuration.deleted",
      "configuration.restored",
      "version.rendered",
    ]);
  });

  test("does not come back over another one of its name, and must be named where several had it", async () => {
    const { send, create } = await home();
    const ids: string[] = [];
    for (const port of [80, 81]) {
      ids.push((await create(port)).body.data.version.config_id);
      expect((await send("POST", "/configurations/site/restore", {})).body.error.code).toBe("deployment_name_taken");
      await send("DELETE", "/configurations/site");
    }
    const several = await send("POST", "/configurations/site/restore", {});
    expect(several).toMatchObject({ status: 409, body: { error: { code: "configuration_ambiguous" } } });
    expect(several.body.error.details!.map(({ config_id }) => config_id)).toEqual(ids.toReversed());
    const chosen = await send<Saved>("POST", "/configurations/site/restore", { config_id: ids[0] });
    expect(chosen).toMatchObject({ status: 202, body: { data: { version: { config_id: ids[0] } } } });
  });

  test("of many restores at once, one succeeds", async () => {
    const { id, send, create } = await home();
    for (const port of [80, 81]) {
      await create(port);
      await send("DELETE", "/configurations/site");
    }
    const ids = (await rows("SELECT id FROM configurations WHERE workspace_id = ?", id)).map((row) => row["id"]);
    const answers = await Promise.all(
      [...ids, ...ids, ...ids].map((config_id) => send("POST", "/configurations/site/restore", { config_id })),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    for (const { status } of answers) expect([202, 409, 503]).toContain(status);
    expect(await rows("SELECT 1 FROM configurations WHERE workspace_id = ? AND deleted_at IS NULL", id)).toHaveLength(
      1,
    );
  });

  test("pages of deleted ones are stable while others are deleted", async () => {
    const { w, send, create } = await home();
    for (const name of ["a", "b", "c", "d"]) {
      await create(80, name);
      w.clock.advance(1);
      await send("DELETE", `/configurations/${name}`);
    }
    const first = await send<Listed>("GET", "/configurations?deleted=true&limit=2");
    await create(80, "e");
    w.clock.advance(1);
    await send("DELETE", "/configurations/e");
    const rest = await send<Listed>(
      "GET",
      `/configurations?deleted=true&limit=9&cursor=${first.body.data.next_cursor!}`,
    );
    expect([first, rest].flatMap(({ body }) => body.data.configurations.map(({ name }) => name))).toEqual([
      "d",
      "c",
      "b",
      "a",
    ]);
  });
});

/** What a release would do to a configuration, as the fan-out and the impact job store it. */
async function propose(config_id: string): Promise<void> {
  const preview = JSON.stringify({ summary: CANARY });
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO proposals (id, workspace_id, config_id, pack, from_version, schema_version, base_version, state, class, preview,
         created_at, updated_at)
       SELECT 'p-' || id, workspace_id, id, 'p', 'v1.0.0', 'v1.1.0', 1, 'open', 'changed', ?, '', '' FROM configurations WHERE id = ?`,
    ).bind(preview, config_id),
    env.DB.prepare(
      `INSERT INTO impact_jobs (id, pack, schema_version, state, created_at, updated_at)
       VALUES ('j-' || ?1, 'j-' || ?1, 'v1.1.0', 'done', '', '')`,
    ).bind(config_id),
    env.DB.prepare(
      `INSERT INTO impact_results (job_id, config_id, workspace_id, class, detail)
       SELECT 'j-' || id, id, workspace_id, 'changed', ? FROM configurations WHERE id = ?`,
    ).bind(preview, config_id),
  ]);
}

describe("a purge", () => {
  test("erases exactly the content of what it names, in every store, and keeps numbers, digests and the audit log", async () => {
    const { w, id, send, create } = await home();
    const kept = await create(79, "kept");
    const { config_id } = (await create(80)).body.data.version;
    await send("PUT", "/configurations/site", { config_data: content(81) });
    await w.deliver();
    await propose(config_id);
    await send("DELETE", "/configurations/site");
    const before = await rows(
      "SELECT version, epoch, origin, created_by, created_at FROM configuration_versions WHERE workspace_id = ? ORDER BY version",
      id,
    );
    const audit = (await rows("SELECT 1 FROM audit_log WHERE workspace_id = ?", id)).length;

    expect((await send("POST", "/configurations/site/purge", { confirm: "sight" })).body.error.code).toBe(
      "purge_not_confirmed",
    );
    expect((await send("POST", "/configurations/kept/purge", { confirm: "kept" })).body.error.code).toBe(
      "configuration_not_deleted",
    );
    const purged = await send<Purge>("POST", "/configurations/site/purge", { confirm: "site" });
    expect(purged).toMatchObject({
      status: 202,
      body: { data: { config_id, state: "removing", backups_expire_at: "2026-02-01T03:04:05.000Z" } },
    });
    // In D1 at once: decisions of site are nowhere, those of the other are untouched.
    const dump = async () =>
      JSON.stringify([
        await rows("SELECT * FROM configuration_versions WHERE workspace_id = ? AND config_id = ?", id, config_id),
        await rows("SELECT * FROM configurations WHERE workspace_id = ? AND id = ?", id, config_id),
        await rows("SELECT * FROM render_jobs WHERE workspace_id = ? AND config_id = ?", id, config_id),
        await rows("SELECT * FROM proposals WHERE workspace_id = ? AND config_id = ?", id, config_id),
        await rows("SELECT * FROM impact_results WHERE workspace_id = ? AND config_id = ?", id, config_id),
        await rows("SELECT * FROM audit_log WHERE workspace_id = ?", id),
      ]);
    expect(await dump()).not.toContain(CANARY);
    expect(
      (await rows("SELECT config_data FROM configurations WHERE id = ?", kept.body.data.version.config_id))[0]![
        "config_data"
      ],
    ).toContain(CANARY);
    expect(
      await rows(
        "SELECT version, epoch, origin, created_by, created_at FROM configuration_versions WHERE workspace_id = ? ORDER BY version",
        id,
      ),
    ).toEqual(before);
    expect((await rows("SELECT 1 FROM audit_log WHERE workspace_id = ?", id)).length).toBe(audit + 1);
    expect(
      await rows("SELECT version, manifest_checksum FROM rendered_quadlets WHERE workspace_id = ?", id),
    ).toHaveLength(4);

    // In R2 and KV by the sweep: once now, and once more when no render of before can be putting files.
    await w.sweep();
    expect((await objects(id)).filter((key) => !key.startsWith(`${id}/v1/`))).toEqual([]);
    await env.QUADLETS.put(`${id}/v3/late.container`, CANARY);
    w.clock.advance(60);
    await w.sweep();
    expect((await send<Purge>("GET", `/purges/${config_id}`)).body.data.state).toBe("removing");
    w.clock.advance(240);
    await w.sweep();
    expect((await objects(id)).filter((key) => !key.startsWith(`${id}/v1/`))).toEqual([]);
    expect((await env.MANIFESTS.list({ prefix: `manifest:${id}:` })).keys.map(({ name }) => name)).toEqual([
      `manifest:${id}:v1`,
    ]);
    const done = await send<Purge>("GET", `/purges/${config_id}`);
    expect(done.body.data).toMatchObject({ state: "finished", objects_removed: 9 });
    expect((await send("GET", "/config/latest?deployment=kept")).status).toBe(200);
  });

  test("cannot be undone, repeated answers the first, and its versions say that they are gone", async () => {
    const { w, send, create } = await home();
    await create(80);
    await w.deliver();
    await send("DELETE", "/configurations/site");
    const first = await send<Purge>("POST", "/configurations/site/purge", { confirm: "site" });
    w.clock.advance(5);
    const again = await send<Purge>("POST", "/configurations/site/purge", { confirm: "site" });
    expect(again.body).toEqual(first.body);
    expect(await send("POST", "/configurations/site/restore", {})).toMatchObject({
      status: 410,
      body: { error: { code: "configuration_purged" } },
    });
    expect(await send("GET", "/config/1")).toMatchObject({ status: 410, body: { error: { code: "version_purged" } } });
    expect((await send("GET", "/config/latest?deployment=site")).body.data).toMatchObject({ deleted: true });
    await create(90);
    expect((await send("GET", "/configurations/site")).status).toBe(200);
  });

  test("ends a render that waits or runs: nothing comes after it", async () => {
    const { w, id, send, create } = await home();
    await create(80);
    await send("DELETE", "/configurations/site");
    await send("POST", "/configurations/site/purge", { confirm: "site" });
    await w.deliver();
    await w.sweep();
    expect(await rows("SELECT state FROM render_jobs WHERE workspace_id = ?", id)).toEqual([{ state: "failed" }]);
    expect(await objects(id)).toEqual([]);
  });

  test("that fails again and again holds up no other", async () => {
    const { w, id, send, create } = await home();
    const names = ["a", "b", "c", "d", "e", "last"];
    const ids = new Map<string, string>();
    let lastVersion = 0;
    for (const [index, name] of names.entries()) {
      lastVersion = (await create(80 + index, name)).body.data.version.version;
      await w.deliver();
      await send("DELETE", `/configurations/${name}`);
      const purge = await send<{ config_id: string }>("POST", `/configurations/${name}/purge`, { confirm: name });
      ids.set(name, purge.body.data.config_id);
      w.clock.advance(1);
    }
    const stateOf = async (name: string) =>
      (await send<Purge>("GET", `/purges/${ids.get(name) ?? ""}`)).body.data.state;
    const list = env.QUADLETS.list.bind(env.QUADLETS);
    w.deps.files = new Proxy(env.QUADLETS, {
      get: (target, name: keyof R2Bucket) => {
        if (name === "list")
          return async (options: R2ListOptions) => {
            const version = Number(/\/v(\d+)\/$/.exec(options.prefix ?? "")?.[1]);
            if (version < lastVersion) throw new Error("R2 has a bad day");
            return list(options);
          };
        const member = target[name] as unknown;
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    });
    for (let minute = 0; minute < 8; minute++) {
      await w.sweep();
      w.clock.advance(60);
    }
    expect(await stateOf("last")).toBe("finished");
    expect(await stateOf("a")).toBe("removing");
    w.deps.files = env.QUADLETS;
    for (let minute = 0; minute < 8; minute++) {
      await w.sweep();
      w.clock.advance(60);
    }
    expect(await Promise.all(names.map(stateOf))).toEqual(names.map(() => "finished"));
    expect(await objects(id)).toEqual([]);
  });

  test("that fails in one sweep keeps the time that another one has set meanwhile", async () => {
    const { w, id, send, create } = await home();
    await create(80);
    await w.deliver();
    await send("DELETE", "/configurations/site");
    await send("POST", "/configurations/site/purge", { confirm: "site" });
    const state = () => rows("SELECT pass, next_attempt_at FROM purges WHERE workspace_id = ?", id);
    let meanwhile: unknown;
    w.deps.files = new Proxy(env.QUADLETS, {
      get: () => async () => {
        w.deps.files = env.QUADLETS;
        await resumePurges(w.deps);
        meanwhile = await state();
        throw new Error("R2 went away");
      },
    });
    await resumePurges(w.deps);
    expect(meanwhile).toMatchObject([{ pass: 2 }]);
    expect(await state()).toEqual(meanwhile);
  });

  test("resumes where a sweep died, over more versions than one sweep takes", async () => {
    const { w, id, send, create } = await home();
    await create(80);
    for (let port = 81; port <= 104; port++) await send("PUT", "/configurations/site", { config_data: content(port) });
    await w.deliver();
    await send("DELETE", "/configurations/site");
    const { config_id } = (await send<{ config_id: string }>("POST", "/configurations/site/purge", { confirm: "site" }))
      .body.data;
    const remove = env.QUADLETS.delete.bind(env.QUADLETS);
    let left = 7;
    w.deps.files = new Proxy(env.QUADLETS, {
      get: (target, name: keyof R2Bucket) => {
        if (name === "delete")
          return async (keys: string[]) => {
            if (left-- === 0) throw new Error("R2 went away");
            return remove(keys);
          };
        const member = target[name] as unknown;
        return typeof member === "function" ? (member.bind(target) as unknown) : member;
      },
    });
    await w.sweep();
    expect((await objects(id)).length).toBeGreaterThan(0);
    for (let minute = 0; minute < 8; minute++) {
      w.clock.advance(60);
      await w.sweep();
    }
    expect(await objects(id)).toEqual([]);
    expect((await send<Purge>("GET", `/purges/${config_id}`)).body.data.state).toBe("finished");
  });

  test.each([
    "UPDATE configuration_versions SET config_data = '{}'",
    "UPDATE configuration_versions SET config_data = '{\"purged\":true}', changes_summary = NULL, created_by = 'x'",
    "UPDATE purges SET requested_by = 'x'",
    "DELETE FROM purges",
    "INSERT OR REPLACE INTO purges SELECT * FROM purges",
    "DELETE FROM configurations",
  ])("allows nothing but its erasure: %s", async (sql) => {
    const { send, create } = await home();
    await create(80);
    await send("DELETE", "/configurations/site");
    await send("POST", "/configurations/site/purge", { confirm: "site" });
    await expect(env.DB.prepare(sql).run()).rejects.toThrow(/immutable|append-only|softly/);
  });

  test("nothing is erased without its row, and no row is made for what is alive", async () => {
    const { id, create } = await home();
    const { config_id } = (await create(80)).body.data.version;
    const erase = `UPDATE configuration_versions SET config_data = '{"purged":true}', changes_summary = NULL WHERE config_id = '${config_id}'`;
    await expect(env.DB.prepare(erase).run()).rejects.toThrow(/immutable/);
    const insert = `INSERT INTO purges (id, workspace_id, config_id, requested_by, requested_at, next_attempt_at) VALUES ('p-${config_id}', '${id}', '${config_id}', 'x', '', '')`;
    await expect(env.DB.prepare(insert).run()).rejects.toThrow(/only a deleted configuration/);
  });

  test("of another tenant's configuration finds nothing", async () => {
    const [mine, theirs] = [await home(), await home()];
    const { config_id } = (await theirs.create(80)).body.data.version;
    await theirs.send("DELETE", "/configurations/site");
    for (const body of [{ confirm: "site" }, { confirm: "site", config_id }])
      expect((await mine.send("POST", "/configurations/site/purge", body)).status).toBe(404);
    expect((await mine.send("POST", "/configurations/site/restore", { config_id })).status).toBe(404);
    expect((await mine.send("GET", `/purges/${config_id}`)).status).toBe(404);
  });
});
