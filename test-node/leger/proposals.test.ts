import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeFileSync } from "node:fs";
import { type Machine, type Stack, startStack } from "../../tools/tour/local-stack.ts";

let stack: Stack;
let alice: Machine;

beforeAll(async () => {
  stack = await startStack(["v1.0.0"]);
  alice = stack.machine("alice");
  const login = await alice.leger(["login", "--claims", "claims.json"]);
  if (login.code !== 0) throw new Error(login.stderr);
});
afterAll(() => stack?.close());

type Proposal = { id: string; deployment_name: string; schema_version: string };
const open = async () => {
  const { stdout } = await alice.leger(["schema", "proposals", "--json"]);
  return (JSON.parse(stdout) as { proposals: Proposal[] }).proposals;
};

/** Publishes, syncs, and waits until it is proposed to so many deployments. */
async function release(tag: string, to: number, files: Record<string, string> = {}): Promise<Proposal[]> {
  await stack.upstreams.control.publishRelease({ tag, fixture: "v2.0.0", files });
  await stack.cron("7 * * * *");
  for (let tries = 0; tries < 200; tries++) {
    const proposed = (await open()).filter(({ schema_version }) => schema_version === tag);
    if (proposed.length === to) return proposed;
    await sleep(100);
  }
  throw new Error(`${tag} was not proposed to ${to} deployments`);
}

async function save(name: string, decisions: object): Promise<void> {
  writeFileSync(alice.file("decisions.json"), JSON.stringify(decisions));
  const of = ["--file", "decisions.json", "--schema", "v1.0.0", "--range", ">=1.0.0", "--allow-deprecated"];
  const saved = await alice.leger(["config", "save", name, ...of]);
  expect(saved.stderr + saved.stdout).toContain("rendered and checked");
}

const OTHER_VOLUME = {
  "templates/volumes/openwebui-data.volume.j2": "[Volume]\nVolumeName={{ leger.deployment_name }}-openwebui\n",
};

it("a proposal is shown, asks before it loses anything, says when it is stale, and is put away", async () => {
  await save("losing", {
    services: { enable_caddy: true },
    networking: { base_domain: "ai.example.com", hostname: "old.example.com" },
  });
  await save("plain", { networking: { network_name: "home" } });
  const first = await release("v2.0.0", 2);

  // the whole of it, what is lost first
  const shown = await alice.leger(["schema", "proposals", "losing"]);
  expect(shown.code).toBe(0);
  const [head, lost] = shown.stdout.split("\n");
  expect(head).toMatch(/^losing: leger v1\.0\.0 -> v2\.0\.0/);
  expect(lost).toMatch(/^lost Former name \("old\.example\.com"\): Caddy no longer redirects/);
  for (const part of ["+++ b/Caddyfile", "On a device:", "do: leger schema accept losing"])
    expect(shown.stdout).toContain(part);

  // nobody is there to ask, so nothing is done without --yes
  const unasked = await alice.leger(["schema", "accept", "losing"]);
  expect(unasked).toMatchObject({ code: 2, stdout: "" });
  expect(unasked.stderr).toContain("--yes");
  expect(await open()).toHaveLength(2);

  // a newer release takes the first one's place: the old id says so, and what to do
  const second = await release("v2.0.1", 2, OTHER_VOLUME);
  const old = first.find(({ deployment_name }) => deployment_name === "losing")?.id ?? "";
  const stale = await alice.leger(["schema", "accept", old]);
  expect(stale.code).toBe(1);
  expect(stale.stderr).toContain("superseded by a newer release");
  expect(stale.stderr).toContain("do: leger schema proposals losing");

  // data at risk asks too, whatever was saved since is kept, and --yes is enough
  const risky = await alice.leger(["schema", "accept", "plain"]);
  expect(risky.code).toBe(2);
  await alice.leger(["config", "save", "plain", "--set", "networking.network_name=other"]);
  const noted = await alice.leger(["schema", "proposals", "plain"]);
  expect(noted.stdout).toMatch(/^data risk /m);
  expect(noted.stdout).toContain("was saved since, and is what accepting migrates");
  const accepted = await alice.leger(["schema", "accept", "plain", "--yes"]);
  expect(accepted.stderr + accepted.stdout).toContain("Schema: v1.0.0 -> v2.0.1");
  const read = await alice.leger(["config", "show", "plain", "--json"]);
  expect(JSON.parse(read.stdout)).toMatchObject({
    schema_version: "v2.0.1",
    config_data: { networking: { network: { name: "other" } } },
  });
  const again = second.find(({ deployment_name }) => deployment_name === "plain")?.id ?? "";
  expect((await alice.leger(["schema", "accept", again])).stderr).toContain("was accepted");

  expect((await alice.leger(["schema", "dismiss", "losing"])).stdout).toContain("not proposed to losing again");
  expect(await open()).toEqual([]);
  expect((await alice.leger(["schema", "accept", "losing"])).stderr).toContain("Nothing is proposed to losing");

  // and back, by the command line, after it has said what that loses
  const back = await alice.leger(["config", "rollback", "plain", "2", "--keep", "schema", "--preview"]);
  expect(back.stdout).toMatch(/^Rolled back to version 2, decisions migrated from v1\.0\.0 to v2\.0\.1/);
  const unconfirmed = await alice.leger(["config", "rollback", "plain", "2", "--keep", "schema"]);
  expect(unconfirmed.code).toBe(2);
  const done = await alice.leger(["config", "rollback", "plain", "2", "--keep", "schema", "--yes"]);
  expect(done.stdout).toContain("decisions migrated");
  expect((await alice.leger(["config", "rollback", "plain", "2", "--keep", "all", "--yes"])).code).toBe(2);
});
