// Every operation of openapi.json that is no GET either has a scenario here, in which it changes state and writes exactly
// one audit row in the batch of that change, or is listed as one that changes nothing. An operation in neither fails.
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { SMALL_PACK } from "./fixture-packs.ts";
import { operations } from "./operations.ts";
import { formBytes, upload } from "./upload-form.ts";
import { type Answer, world } from "./world.ts";
import { upgradeConfiguration } from "#actions/upgrade-configuration.ts";

type World = ReturnType<typeof world>;
type Me = { id: string; token: string; login: string; slug: string };
/** Prepares what it needs, then returns the one call that is watched. */
type Scenario = (w: World, me: Me) => Promise<() => Promise<Answer<unknown>>>;

const config = (port: number) => ({ config_data: { web: { port } } });
const anyVersion = { "if-match": "*" };
const create = (w: World, { token, slug }: Me, name = "site") =>
  w.request("POST", "/configurations", { token, body: { deployment_name: name, pack: slug, ...config(80) } });
const save = (w: World, { token }: Me, port: number) =>
  w.request("PUT", "/configurations/site", { token, headers: anyVersion, body: config(port) });

const generator = async (w: World, { token }: Me, name = "ci") => {
  const body = { name, scopes: ["config:read"] };
  const made = await w.request<{ generator: { id: string } }>("POST", "/generators", { token, body });
  return made.body.data.generator.id;
};

const setSecret = (w: World, { token }: Me) =>
  w.request("POST", "/secrets/set", { token, body: { name: "key", value: "value" } });
const deleteSecret = (w: World, { token }: Me) => w.request("DELETE", "/secrets/key", { token });

/** A deployment to which a newer release was proposed. */
const proposal = async (w: World, me: Me) => {
  await create(w, me);
  const { slug } = await w.admit(SMALL_PACK, "v1.1.0", me.slug);
  const now = w.clock.now().toISOString();
  const job = await env.DB.prepare(
    `INSERT INTO upgrade_jobs (config_id, workspace_id, pack, schema_version, state, next_attempt_at, created_at, updated_at)
     SELECT id, workspace_id, pack, 'v1.1.0', 'queued', ?1, ?1, ?1 FROM configurations WHERE workspace_id = ?2 AND pack = ?3
     RETURNING config_id, schema_version`,
  )
    .bind(now, me.id, slug)
    .first<{ config_id: string; schema_version: string }>();
  expect(await upgradeConfiguration(w.deps, job!)).toBe("proposed");
  const listed = await w.request<{ proposals: { id: string }[] }>("GET", "/proposals", { token: me.token });
  return listed.body.data.proposals[0]!.id;
};

const CHANGES: Record<string, Scenario> = {
  acceptProposal: async (w, me) => {
    const id = await proposal(w, me);
    return () => w.request("POST", `/proposals/${id}/accept`, { token: me.token, body: {} });
  },
  dismissProposal: async (w, me) => {
    const id = await proposal(w, me);
    return () => w.request("POST", `/proposals/${id}/dismiss`, { token: me.token });
  },
  createGenerator:
    async (w, { token }) =>
    () =>
      w.request("POST", "/generators", { token, body: { name: "ci", scopes: ["config:read"] } }),
  rotateGenerator: async (w, me) => {
    const id = await generator(w, me);
    return () => w.request("POST", `/generators/${id}/rotate`, { token: me.token });
  },
  deleteGenerator: async (w, me) => {
    const id = await generator(w, me);
    return () => w.request("DELETE", `/generators/${id}`, { token: me.token });
  },
  restoreGenerator: async (w, me) => {
    const id = await generator(w, me);
    await w.request("DELETE", `/generators/${id}`, { token: me.token });
    return () => w.request("POST", `/generators/${id}/restore`, { token: me.token });
  },
  createConfiguration: async (w, me) => () => create(w, me),
  saveConfiguration: async (w, me) => {
    await create(w, me);
    return () => save(w, me, 81);
  },
  deleteConfiguration: async (w, me) => {
    await create(w, me);
    return () => w.request("DELETE", "/configurations/site", { token: me.token, headers: anyVersion });
  },
  rollbackConfiguration: async (w, me) => {
    await create(w, me);
    await save(w, me, 81);
    return () =>
      w.request("POST", "/configurations/site/rollback", { token: me.token, headers: anyVersion, body: { to: 1 } });
  },
  restoreConfiguration: async (w, me) => {
    await create(w, me);
    await w.request("DELETE", "/configurations/site", { token: me.token, headers: anyVersion });
    return () => w.request("POST", "/configurations/site/restore", { token: me.token, body: {} });
  },
  purgeConfiguration: async (w, me) => {
    await create(w, me);
    await w.request("DELETE", "/configurations/site", { token: me.token, headers: anyVersion });
    return () => w.request("POST", "/configurations/site/purge", { token: me.token, body: { confirm: "site" } });
  },
  uploadConfiguration: async (w, me) => () =>
    upload(w, formBytes([{ name: "web.container", content: "[Container]\nImage=docker.io/library/caddy:2.8\n" }]), me),
  retryRender: async (w, me) => {
    const body = { deployment_name: "site", pack: me.slug, config_data: { web: { port: 80 }, break_it: true } };
    await w.request("POST", "/configurations", { token: me.token, body });
    await w.deliver();
    return () => w.request("POST", "/renders/1/retry", { token: me.token });
  },
  describeDevice: async (w, me) => () =>
    w.request("PUT", "/devices/d1", { token: me.token, body: { podman_version: "5.4.2" } }),
  endSession: async (w, me) => {
    await w.tenant(me.login, "d2");
    return () => w.request("DELETE", "/auth/sessions/d2", { token: me.token });
  },
  endOtherSessions: async (w, me) => {
    await w.tenant(me.login, "d2");
    return () => w.request("DELETE", "/auth/sessions", { token: me.token });
  },
  setSecret: async (w, me) => () => setSecret(w, me),
  generateSecret: async (w, me) => () =>
    w.request("POST", "/secrets/generate", { token: me.token, body: { name: "made" } }),
  // a GET, and audited all the same
  readSecret: async (w, me) => {
    await setSecret(w, me);
    return () => w.request("GET", "/secrets/get/key", { token: me.token });
  },
  deleteSecret: async (w, me) => {
    await setSecret(w, me);
    return () => deleteSecret(w, me);
  },
  undeleteSecret: async (w, me) => {
    await setSecret(w, me);
    await deleteSecret(w, me);
    return () => w.request("POST", "/secrets/key/undelete", { token: me.token, body: {} });
  },
  purgeSecret: async (w, me) => {
    await setSecret(w, me);
    await deleteSecret(w, me);
    return () => w.request("POST", "/secrets/key/purge", { token: me.token, body: {} });
  },
  reportDeployment: async (w, me) => {
    await create(w, me);
    await w.deliver();
    const manifest_sha256 = await env.DB.prepare(
      "SELECT manifest_checksum FROM rendered_quadlets WHERE workspace_id = ?",
    )
      .bind(me.id)
      .first<string>("manifest_checksum");
    const report = { boot_id: crypto.randomUUID(), sequence: 1, version: 1, manifest_sha256, state: "fetched" };
    return () => w.request("POST", "/deployments/report", { token: me.token, body: report });
  },
};

const CHANGES_NOTHING: Record<string, string> = {
  makeLinks: "signed texts, kept nowhere",
  previewConfiguration: "answers what a save would do",
  previewUpload: "answers what an upload would do",
  previewRollback: "answers what a rollback would do",
};

/** Elsewhere, with the reason: what they change has no workspace of the caller, or needs another world. */
const SHOWN_ELSEWHERE: Record<string, string> = {
  signIn: "identity.test.ts: against the Tailscale API",
  decideDevice: "enrolment.test.ts: the caller must hold a key",
  makeRecoveryCodes: "enrolment.test.ts: the caller must hold a key",
  makeEnrolmentCode: "enrolment.test.ts: an operator's, audited in the workspace system",
  mintToken: "enrolment.test.ts: a token is kept nowhere, only that it was made",
  startKeyRotation: "secret-rotation.test.ts: an operator's, audited in the workspace system",
  githubWebhook: "webhook.test.ts: a hint; what the sync then admits is audited in the workspace system",
  requestImpact: "impact.test.ts: an operator's, audited in the workspace system",
  previewSchema: "impact.test.ts: an operator's, audited in the workspace system",
  syncSchemas: "registry.test.ts: each admitted schema is audited in the workspace system",
};

const NOT_STATE = new Set(["audit_log", "rate_limits", "idempotency_keys", "audit_seals"]);

/** Every row that belongs to somebody, by table. */
async function stateOf(id: string): Promise<Record<string, string>> {
  const { results } = await env.DB.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
  ).all<{ name: string; sql: string }>();
  const tables = results
    .map(({ name, sql }) => ({ name, owners: ["workspace_id", "user_uuid"].filter((c) => sql.includes(`${c} `)) }))
    .filter(({ name, owners }) => owners.length > 0 && !NOT_STATE.has(name));
  const rows = await env.DB.batch(
    tables.map(({ name, owners }) =>
      env.DB.prepare(`SELECT * FROM ${name} WHERE ${owners.map((owner) => `${owner} = ?1`).join(" OR ")}`).bind(id),
    ),
  );
  return Object.fromEntries(tables.map(({ name }, index) => [name, JSON.stringify(rows[index]?.results)]));
}

const auditRows = async (id: string) =>
  (
    await env.DB.prepare("SELECT action, actor FROM audit_log WHERE workspace_id = ? ORDER BY seq")
      .bind(id)
      .all<{ action: string; actor: string }>()
  ).results;

async function somebody(): Promise<{ w: World; me: Me }> {
  const w = world();
  const tenant = await w.tenant();
  const { slug } = await w.admit(SMALL_PACK);
  return { w, me: { ...tenant, slug } };
}

test("every operation that may change something is in one of the lists", async () => {
  const listed = [...Object.keys(CHANGES), ...Object.keys(CHANGES_NOTHING), ...Object.keys(SHOWN_ELSEWHERE)];
  const all = (await operations(world())).filter(({ method }) => method !== "GET").map(({ name }) => name);
  expect(
    all.filter((name) => !listed.includes(name)),
    "give these operations a scenario in test/audit-coverage.test.ts",
  ).toEqual([]);
  expect(
    listed.filter((name) => !all.includes(name) && name !== "readSecret"),
    "no longer operations",
  ).toEqual([]);
});

describe("one change, one audit row", () => {
  test.each(Object.entries(CHANGES))("%s", async (_, scenario) => {
    const { w, me } = await somebody();
    const act = await scenario(w, me);
    await w.settle();
    const [before, state] = [await auditRows(me.id), await stateOf(me.id)];
    const answer = await act();
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    await w.settle();
    const after = await auditRows(me.id);
    expect(await stateOf(me.id), "nothing was changed").not.toEqual(state);
    expect(after.slice(before.length).map(({ action }) => action)).toEqual([expect.stringMatching(/^\w+\.\w+$/)]);
  });
});

test("reading, previewing and being refused change nothing and write no audit row", async () => {
  const { w, me } = await somebody();
  await create(w, me);
  await w.deliver();
  await w.request("GET", "/config/latest", { token: me.token });
  await w.settle();
  const [before, state] = [await auditRows(me.id), await stateOf(me.id)];
  const changed: string[] = [];
  for (const { name, method, template, path, isOpen } of await operations(w)) {
    if (isOpen && method !== "GET") continue;
    const own = template
      .replace("{name}", "site")
      .replace("{version}", template.startsWith("/schemas") ? "v1.0.0" : "1");
    const bodies: unknown[] = method === "GET" ? [undefined] : [{}, { to: 1 }, { ...config(90), nonsense: true }];
    const isReading = method === "GET" || Object.hasOwn(CHANGES_NOTHING, name);
    const targets = isReading ? [own.replaceAll(/\{\w+\}/g, "web.container"), path] : [path];
    for (const target of targets)
      for (const body of bodies)
        await w.request(method, target, { token: me.token, ...(body !== undefined && { body }) });
    await w.settle();
    if (JSON.stringify(await stateOf(me.id)) !== JSON.stringify(state)) changed.push(name);
    if ((await auditRows(me.id)).length !== before.length) changed.push(`${name} (audit)`);
    if (changed.length > 0) break;
  }
  expect(changed).toEqual([]);
});
