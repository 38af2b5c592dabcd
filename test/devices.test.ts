import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { mintToken } from "#core/token.ts";
import { SMALL_PACK } from "./fixture-packs.ts";
import { world } from "./world.ts";

const BOOT = "6f1c2a52-7f0e-4a6e-9b1b-0d7a5f1f2c11";
const NEXT_BOOT = "0b6f3f0e-3c57-4a63-8f39-4f4c1de0a001";
type Row = {
  state: string;
  status: string;
  version: number;
  is_behind: boolean;
  is_offline: boolean;
  is_drifted: boolean;
  error: string | null;
  assigned_version: number | null;
  findings: { code: string; action: string }[];
  times: Record<string, string | null>;
};

/** A workspace with a deployment of two rendered versions, and a device's own token. */
async function installed() {
  const w = world();
  const person = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  const body = (port: number) => ({ config_data: { web: { port } } });
  await w.request("POST", "/configurations", {
    token: person.token,
    body: { deployment_name: "site", pack: slug, ...body(80) },
  });
  await w.request("PUT", "/configurations/site", {
    token: person.token,
    headers: { "if-match": "*" },
    body: body(81),
  });
  await w.deliver();
  const { results } = await env.DB.prepare(
    "SELECT version, manifest_checksum FROM rendered_quadlets WHERE workspace_id = ? ORDER BY version",
  )
    .bind(person.id)
    .all<{ version: number; manifest_checksum: string }>();
  const digests = results.map(({ manifest_checksum }) => manifest_checksum);
  const legerd = await scoped(w, person.id);
  const report = (fields: Record<string, unknown> = {}, token = legerd) =>
    w.request<{ outcome: string }>("POST", "/deployments/report", {
      token,
      body: {
        boot_id: BOOT,
        sequence: 1,
        version: 1,
        manifest_sha256: digests[Number(fields["version"] ?? 1) - 1] ?? "0".repeat(64),
        state: "fetched",
        ...fields,
      },
    });
  const rows = async (query = "") =>
    (await w.request<{ deployments: Row[] }>("GET", `/deployments${query}`, { token: person.token })).body.data
      .deployments;
  return { w, person, legerd, digests, report, rows };
}

async function scoped(w: ReturnType<typeof world>, user: string, scope: "legerd" | "user" = "legerd") {
  const { TOKEN_SIGNING_KEYS: keys, TOKEN_ISSUER: issuer } = w.deps.settings;
  const claims = { sub: user, dev: "d1", te: 0, ue: 0, scope, jti: crypto.randomUUID() };
  return mintToken({ keys, issuer, now: w.clock.now() }, claims);
}

describe("a state is shown only when a device proved it", () => {
  test("assigned by a poll, then each step with its time, then healthy", async () => {
    const { w, legerd, rows, report } = await installed();
    expect(await rows()).toEqual([]);
    await w.request("GET", "/config/latest", { token: legerd });
    await w.settle();
    expect(await rows()).toMatchObject([{ state: "assigned", status: "pending", version: 2, assigned_version: 2 }]);
    const steps: [string, string][] = [
      ["fetched", "pending"],
      ["written", "installing"],
      ["generated", "installing"],
      ["started", "installing"],
      ["healthy", "active"],
    ];
    for (const [index, [state, status]] of steps.entries()) {
      w.clock.advance(1);
      expect((await report({ version: 2, sequence: index + 1, state })).body.data.outcome).toBe("applied");
      const [row] = await rows();
      expect(row).toMatchObject({ state, status, version: 2, is_behind: false });
      expect(row?.times[state]).toBe(w.clock.now().toISOString());
    }
    expect(Object.values((await rows())[0]!.times).filter((time) => time !== null)).toHaveLength(7);
  });

  test("a failure keeps its reason; what was never reported has no time", async () => {
    const { report, rows } = await installed();
    await report({
      state: "failed",
      error: "web.service: exit code 125",
      units: [{ name: "web.service", state: "failed" }],
    });
    const [row] = await rows();
    expect(row).toMatchObject({ status: "failed", error: "web.service: exit code 125", version: 1, is_behind: true });
    expect(row?.times).toMatchObject({ fetched: null, started: null, healthy: null });
    await report({ sequence: 2, state: "healthy" });
    expect((await rows())[0]).toMatchObject({ status: "active", error: null });
  });

  test("drift is a flag beside the state, and a silent device is offline, not failed", async () => {
    const { w, report, rows } = await installed();
    await report({ state: "healthy", drifted: true });
    expect((await rows())[0]).toMatchObject({ status: "active", is_drifted: true, is_offline: false });
    w.clock.advance(901);
    expect((await rows())[0]).toMatchObject({ status: "active", is_offline: true });
    await report({ sequence: 2, state: "healthy" });
    expect((await rows())[0]).toMatchObject({ is_drifted: false, is_offline: false });
    expect((await rows())[0]?.times["drifted"]).toBeNull();
  });
});

describe("reports that change nothing", () => {
  test("late ones of the same boot, of an older version and of an earlier boot are kept and not applied", async () => {
    const { w, person, report, rows } = await installed();
    await report({ version: 1, sequence: 1, state: "healthy" });
    await report({ version: 2, sequence: 5, state: "started" });
    const truth = await rows();
    expect(truth).toMatchObject([{ version: 2, state: "started" }]);
    expect((await report({ version: 2, sequence: 4, state: "written" })).body.data.outcome).toBe("late");
    expect((await report({ version: 1, sequence: 6, state: "healthy" })).body.data.outcome).toBe("late");
    await report({ version: 2, boot_id: NEXT_BOOT, sequence: 0, state: "healthy" });
    expect((await report({ version: 2, sequence: 7, state: "failed" })).body.data.outcome).toBe("late");
    expect(await rows()).toMatchObject([{ version: 2, state: "healthy" }]);
    const events = await w.request<{ events: { is_applied: boolean }[] }>("GET", "/deployments/events", {
      token: person.token,
    });
    expect(events.body.data.events.map(({ is_applied }) => is_applied)).toEqual([
      false,
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  test("the same report ten times at once is one event and one audit row", async () => {
    const { person, report, rows } = await installed();
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => report({ state: "written" })));
    expect(outcomes.map(({ body }) => body.data.outcome).toSorted()).toEqual([
      "applied",
      ...Array.from({ length: 9 }, () => "repeated"),
    ]);
    const count = (sql: string) => env.DB.prepare(sql).bind(person.id).first<number>("n");
    expect(await count("SELECT COUNT(*) AS n FROM deployment_events WHERE workspace_id = ?")).toBe(1);
    expect(
      await count("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'deployment.reported' AND workspace_id = ?"),
    ).toBe(1);
    expect(await rows()).toHaveLength(1);
  });

  test("any order of any reports ends in the newest", async () => {
    const { report, rows } = await installed();
    const all = [3, 1, 4, 2, 6, 5, 8, 7].map((sequence) => ({
      version: 2,
      sequence,
      state: sequence === 8 ? "healthy" : "started",
    }));
    await Promise.all(all.map((fields) => report(fields)));
    expect(await rows()).toMatchObject([{ state: "healthy", version: 2 }]);
  });

  test("a version of another tenant, one that does not exist, another digest, a failed render: nothing is stored", async () => {
    const { w, report, rows, digests } = await installed();
    const stranger = await w.tenant(`stranger-${w.name}@example.com`, "d1");
    const theirs = await scoped(w, stranger.id);
    const refusals = [
      await report({}, theirs),
      await report({ version: 99 }),
      await report({ manifest_sha256: digests[1] }),
      await report({ manifest_sha256: "0".repeat(64) }),
      await report({ state: "happy" }),
      await report({ sequence: -1 }),
      await report({ boot_id: "" }),
    ];
    expect(refusals.map(({ status, body }) => `${status} ${body.error.code}`)).toEqual([
      "404 version_not_found",
      "404 version_not_found",
      "409 manifest_mismatch",
      "409 manifest_mismatch",
      "400 request_invalid",
      "400 request_invalid",
      "400 request_invalid",
    ]);
    expect(await rows()).toEqual([]);
    const events = await env.DB.prepare("SELECT COUNT(*) AS n FROM deployment_events WHERE workspace_id IN (?, ?)")
      .bind(stranger.id, (await env.DB.prepare("SELECT 1").first()) && stranger.id)
      .first<number>("n");
    expect(events).toBe(0);
  });

  test("events and rows are what SQL keeps: no update, delete or replace", async () => {
    const { report, person } = await installed();
    await report();
    for (const sql of [
      `UPDATE deployment_events SET state = 'healthy' WHERE workspace_id = '${person.id}'`,
      `DELETE FROM deployment_events WHERE workspace_id = '${person.id}'`,
    ])
      await expect(env.DB.prepare(sql).run()).rejects.toThrow(/append-only/);
    const replaced = await env.DB.prepare(
      `INSERT OR REPLACE INTO deployment_events SELECT sequence_id, id, workspace_id, user_uuid, device_id, config_id, epoch,
         version, manifest_checksum, boot_id, boot_ordinal, sequence, 'healthy', is_drifted, payload, is_applied, received_at
       FROM deployment_events WHERE workspace_id = '${person.id}'`,
    ).run();
    expect(replaced.meta.changes).toBe(0);
  });
});

describe("devices", () => {
  test("a device describes itself once, and a person labels it; each change is audited once", async () => {
    const { w, person, legerd } = await installed();
    const put = (body: object, token = legerd, id = "d1") => w.request("PUT", `/devices/${id}`, { token, body });
    expect((await put({ podman_version: "5.4.2", agent_version: "0.2.0" })).body.data).toMatchObject({
      podman_version: "5.4.2",
      hostname: "d1-host",
      is_revoked: false,
    });
    await put({ podman_version: "5.4.2" });
    w.clock.advance(1);
    expect((await put({ labels: { site: "a" } }, person.token)).body.data).toMatchObject({
      labels: { site: "a" },
      podman_version: "5.4.2",
    });
    const { results } = await env.DB.prepare(
      "SELECT actor, payload FROM audit_log WHERE workspace_id = ? AND action = 'device.described' ORDER BY seq",
    )
      .bind(person.id)
      .all<{ actor: string; payload: string }>();
    expect(results.map(({ actor }) => actor)).toEqual(["device:d1", `user:${person.id}`]);
    const listed = await w.request<{ devices: { device_id: string }[] }>("GET", "/devices", { token: person.token });
    expect(listed.body.data.devices.map(({ device_id }) => device_id)).toEqual(["d1"]);
  });

  test("a device may not label itself nor speak for another; a stranger's device does not exist", async () => {
    const { w, person, legerd } = await installed();
    const put = (id: string, body: object, token: string) => w.request("PUT", `/devices/${id}`, { token, body });
    expect((await put("d1", { labels: { site: "a" } }, legerd)).status).toBe(403);
    expect((await put("d2", { hostname: "x" }, legerd)).status).toBe(404);
    await w.tenant(person.login, "d3");
    expect((await put("d3", { hostname: "x" }, legerd)).body.error.code).toBe("device_not_own");
    expect((await put("d3", { labels: { site: "b" } }, person.token)).status).toBe(200);
    expect((await put("d2", { hostname: "x" }, person.token)).body.error.code).toBe("device_not_found");
    expect((await put("d1", { podman_version: "new" }, legerd)).status).toBe(400);
    expect((await put("d1", { colour: "red" }, legerd)).status).toBe(400);
  });

  test("a Podman below the version's target is a finding that proposes the target", async () => {
    const { w, legerd, report, rows } = await installed();
    await report({ version: 2, state: "failed" });
    const put = (podman_version: string) =>
      w.request("PUT", "/devices/d1", { token: legerd, body: { podman_version } });
    await put("5.2.1");
    const [row] = await rows();
    expect(row?.findings).toMatchObject([{ code: "podman_older_than_target" }]);
    expect(row?.findings[0]?.action).toContain("podman_target 5.2");
    w.clock.advance(1);
    await put("5.4.0");
    expect((await rows())[0]?.findings).toEqual([]);
  });

  test("lists are read in pages and filtered", async () => {
    const { w, person, report, rows } = await installed();
    await report();
    const d2 = await w.tenant(person.login, "d2");
    await report({}, d2.token);
    expect(await rows()).toHaveLength(2);
    expect(await rows("?device=d2")).toHaveLength(1);
    expect(await rows("?deployment=other")).toEqual([]);
    type Page = { deployments: { device_id: string }[]; next_cursor: string | null };
    const first = (await w.request<Page>("GET", "/deployments?limit=1", { token: person.token })).body.data;
    const next = (
      await w.request<Page>("GET", `/deployments?limit=1&cursor=${first.next_cursor}`, { token: person.token })
    ).body.data;
    expect([first.deployments[0]?.device_id, next.deployments[0]?.device_id, next.next_cursor]).toEqual([
      "d1",
      "d2",
      null,
    ]);
    const devices = await w.request<{ next_cursor: string | null }>("GET", "/devices?limit=1", { token: person.token });
    expect(devices.body.data.next_cursor).not.toBeNull();
  });
});
