import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { world } from "./world.ts";
import { fanOut, finishUpgrades } from "#actions/fan-out.ts";
import { syncRepository } from "#registry/sync-repository.ts";
import { control } from "./upstream-control.ts";

let repositories = 0;
type Proposal = {
  id: string;
  deployment_name: string;
  schema_version: string;
  state: string;
  class: string;
  preview: {
    reasons: string[];
    summary: string;
    changes: { decision: string }[];
    lost: { decision: string }[];
    files: { filename: string; unified: string }[];
    plan: { steps: unknown[] };
  };
};

/** Three deployments of one person, by policy, on v1.0.0 of a repository of their own. */
async function deployments(range = ">=1.0.0") {
  const w = world();
  w.clock.at = new Date();
  const repository = `tests/proposals-${++repositories}`;
  await control("addRepository", { fullName: repository, fixtures: "leger", published: ["v1.0.0"] });
  w.deps.settings = { ...w.deps.settings, PACK_REPOSITORIES: { [w.name]: repository } };
  const release = async (tag: string) => {
    await control("publishRelease", { repository, tag });
    w.clock.advance(3600);
    await w.announce();
    w.upgrades.length = 0;
    await syncRepository(w.deps, { pack: w.name, repository });
    await w.announce();
  };
  await syncRepository(w.deps, { pack: w.name, repository });
  await w.announce();
  const { token, id } = await w.tenant();
  for (const policy of ["pinned", "propose", "auto"]) {
    const created = await w.request("POST", "/configurations", {
      token,
      body: {
        deployment_name: policy,
        pack: w.name,
        schema_version: "v1.0.0",
        schema_range: range,
        upgrade_policy: policy,
        config_data: {
          ai_stack: { llm_provider: "ollama", text_splitter: "token" },
          services: { ollama_gpu: "amd" },
          networking: { network_name: "home" },
        },
      },
    });
    expect(created.status).toBe(202);
  }
  await w.deliver();
  const list = async (state = "open") =>
    (await w.request<{ proposals: Proposal[]; yanked: unknown[] }>("GET", `/proposals?state=${state}`, { token })).body
      .data;
  const versionsOf = async () =>
    Object.fromEntries(
      (
        await env.DB.prepare("SELECT deployment_name, schema_version FROM configurations WHERE workspace_id = ?")
          .bind(id)
          .all<{ deployment_name: string; schema_version: string }>()
      ).results.map((row) => [row.deployment_name, row.schema_version]),
    );
  return { w, token, id, repository, release, list, versionsOf };
}

beforeEach(async () => {
  await control("clearFaults");
  await control("setRateLimit", { anonymous: 1_000_000 });
});

describe("a compatible release", () => {
  test("leaves pinned ones alone, proposes with its diff, and upgrades those that follow by themselves", async () => {
    const { w, token, release, list, versionsOf } = await deployments();
    await release("v1.1.0");
    await w.deliver();
    await w.deliver();
    expect(await versionsOf()).toEqual({ pinned: "v1.0.0", propose: "v1.0.0", auto: "v1.1.0" });
    const { proposals } = await list();
    expect(proposals.map((one) => [one.deployment_name, one.schema_version])).toEqual([["propose", "v1.1.0"]]);
    expect(["identical", "changed", "restarts"]).toContain(proposals[0]!.class);
    const latest = await w.request<{ version: { schema_version: string } }>("GET", "/configurations/auto", { token });
    expect(JSON.stringify(latest.body.data)).toContain("v1.1.0");
  });

  test("delivered twice, paged twice or swept proposes and upgrades once", async () => {
    const { w, id, release, list } = await deployments();
    await release("v1.1.0");
    const messages = [...w.upgrades];
    expect(messages).toHaveLength(2);
    w.upgrades.push(...messages);
    await Promise.all([w.deliver(), fanOut(w.deps), w.sweep()]);
    await w.sweep();
    expect((await list()).proposals).toHaveLength(1);
    const made = await env.DB.prepare(
      "SELECT COUNT(*) AS n FROM configuration_versions WHERE workspace_id = ? AND origin = 'schema_upgrade'",
    )
      .bind(id)
      .first<{ n: number }>();
    expect(made?.n).toBe(1);
    const audited = await env.DB.prepare(
      "SELECT COUNT(*) AS n FROM audit_log WHERE workspace_id = ? AND action = 'proposal.created'",
    )
      .bind(id)
      .first<{ n: number }>();
    expect(audited?.n).toBe(1);
  });

  test("whose messages the queue has lost is announced anew after five minutes, and not each minute", async () => {
    const { w, release } = await deployments();
    await release("v1.1.0");
    const lost = w.upgrades.splice(0).map(({ config_id }) => config_id);
    const sentAgain = async () => {
      await finishUpgrades(w.deps, 0);
      return w.upgrades.splice(0).filter(({ config_id }) => lost.includes(config_id)).length;
    };
    w.clock.advance(299);
    expect(await sentAgain()).toBe(0);
    w.clock.advance(1);
    expect(await Promise.all([sentAgain(), sentAgain()])).toSatisfy(([a, b]: number[]) => a! + b! === 2);
    w.clock.advance(60);
    expect(await sentAgain()).toBe(0);
  });

  test("that is outside of the range means nothing to anybody", async () => {
    const { w, release, list, versionsOf } = await deployments("~1.0.0");
    await release("v1.1.0");
    expect([...w.upgrades]).toEqual([]);
    await w.sweep();
    expect((await list()).proposals).toEqual([]);
    expect(await versionsOf()).toEqual({ pinned: "v1.0.0", propose: "v1.0.0", auto: "v1.0.0" });
  });
});

describe("a breaking release", () => {
  test("is held back with its reasons, and accepting it migrates the decisions", async () => {
    const { w, token, release, list, versionsOf } = await deployments();
    await release("v2.0.0");
    await w.deliver();
    expect(await versionsOf()).toEqual({ pinned: "v1.0.0", propose: "v1.0.0", auto: "v1.0.0" });
    const { proposals } = await list();
    expect(proposals.map((one) => one.deployment_name).toSorted()).toEqual(["auto", "propose"]);
    const [proposal] = proposals;
    expect(proposal!.preview.reasons.join(" ")).toMatch(/ollama_gpu.*became/);
    // what only has another name did not change
    const changed = proposal!.preview.changes.map(({ decision }) => decision);
    expect(changed).toContain("/ai_stack/text_splitter");
    expect(changed).not.toContain("/networking/network/name");
    expect(proposal!.preview.summary).not.toContain("Name of the network");
    const accepted = await w.request<{ version: number }>("POST", `/proposals/${proposal!.id}/accept`, {
      token,
      body: {},
    });
    expect(accepted).toMatchObject({ status: 202 });
    await w.deliver();
    const read = await w.request<{ state: string }>("GET", `/renders/${accepted.body.data.version}`, { token });
    expect(read.body.data.state).toBe("rendered");
    const row = await env.DB.prepare("SELECT config_data FROM configuration_versions WHERE version = ? AND pack = ?")
      .bind(accepted.body.data.version, w.name)
      .first<{ config_data: string }>();
    expect(JSON.parse(row!.config_data)).toEqual({
      ai_stack: { llm_provider: "ollama", text_splitter: "tokens" },
      networking: { network: { name: "home" } },
      services: { enable_ollama_gpu: true, ollama_gpu_vendor: "amd" },
    });
    expect(await w.request("POST", `/proposals/${proposal!.id}/accept`, { token, body: {} })).toMatchObject({
      status: 409,
      body: { error: { code: "proposal_decided" } },
    });
  });

  test("that loses a decision is accepted only by somebody who says so, and the proposal names it", async () => {
    const { w, token, release, list } = await deployments();
    const decisions = { services: { enable_caddy: true }, networking: { hostname: "old.example.com" } };
    const saved = await w.request("PUT", "/configurations/propose", {
      token,
      body: { config_data: decisions, allow_deprecated: true },
      headers: { "if-match": "*" },
    });
    expect(saved.status).toBe(202);
    await w.deliver();
    await release("v2.0.0");
    await w.deliver();
    const proposal = (await list()).proposals.find((one) => one.deployment_name === "propose");
    expect(proposal?.preview.lost).toMatchObject([{ title: "Former name", value: "old.example.com" }]);
    const accept = (body: object) => w.request("POST", `/proposals/${proposal?.id}/accept`, { token, body });
    expect(await accept({})).toMatchObject({
      status: 409,
      body: { error: { code: "losses_not_accepted", details: [{ decision: "/networking/hostname" }] } },
    });
    expect(await accept({ accept_losses: true })).toMatchObject({ status: 202 });
  });

  test("that is dismissed is not proposed again; another's proposal does not exist", async () => {
    const { w, token, release, list } = await deployments();
    await release("v2.0.0");
    await w.deliver();
    const [proposal] = (await list()).proposals;
    const stranger = await w.tenant("stranger@example.com", "s1");
    for (const verb of ["accept", "dismiss"])
      expect(
        (await w.request("POST", `/proposals/${proposal!.id}/${verb}`, { token: stranger.token, body: {} })).status,
      ).toBe(404);
    expect((await w.request("POST", `/proposals/${proposal!.id}/dismiss`, { token })).status).toBe(200);
    await w.sweep();
    expect((await list()).proposals).toHaveLength(1);
    expect((await list("dismissed")).proposals).toHaveLength(1);
  });
});

test("a version that is taken back is told to those who run it", async () => {
  const { w, repository, list } = await deployments();
  expect((await list()).yanked).toEqual([]);
  await control("removeRelease", { repository, release: "v1.0.0" });
  w.clock.advance(3600);
  await syncRepository(w.deps, { pack: w.name, repository });
  expect((await list()).yanked).toHaveLength(3);
});
