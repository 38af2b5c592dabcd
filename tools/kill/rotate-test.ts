import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { makeLocalSecrets } from "../local-secrets.ts";
import { apiClient } from "../start/api-client.ts";
import { type Upstreams, startUpstreams } from "../upstreams/start-upstreams.ts";
import { localClaims } from "./local-claims.ts";
import { type Runtime, type RuntimeFolder, prepareFolder, startRuntime } from "./runtime.ts";
import { seededValue, type StoredValue } from "./seeded-secrets.ts";

/**
 * node tools/kill/rotate-test.ts [--secrets 10000] [--kills 5]
 *
 * Both rotations at once, over many secrets, on the real runtime: it is ended by SIGKILL two seconds after each readiness, while cron
 * is played and secrets are set, as often as asked at least; then it is let to the end. Every accepted value must be there, none
 * under an old key, and all of it must open with a ring that no longer has the old entry. Last line:
 * {"secrets", "kills", "sets", "lost", "under_old_key", "minutes"}; exit 1 where something was lost or left.
 */
const ALIVE_MS = 2_000;
const MINUTES_MAX = 400;

type World = {
  folder: RuntimeFolder;
  runtime: Runtime;
  token: string;
  workspaceId: string;
  /** What each name may hold: the last accepted value, and values whose answer was cut off. */
  expected: Map<string, Set<string>>;
  sets: number;
  minute: number;
};

const ringEntry = (kid: string) => ({ kid, key: randomBytes(32).toString("base64") });

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { secrets: { type: "string", default: "10000" }, kills: { type: "string", default: "5" } },
  });
  const secrets = Number(values.secrets);
  const [old, next] = [ringEntry("old"), ringEntry("next")];
  const upstreams = await startUpstreams({ fixtures: path.join(import.meta.dirname, "packs"), repositories: [] });
  const variables = (ring: object[]) => ({
    ...base,
    GITHUB_API_URL: upstreams.githubUrl,
    TAILSCALE_API_URL: upstreams.tailscaleUrl,
    SECRET_KEY_RING: JSON.stringify(ring),
  });
  const folder = await prepareFolder(variables([old]), "worker/rotate-entry.ts");
  const world = await open(folder, upstreams);
  try {
    await seed(world, secrets);
    const oldKey = (await readAll(world))[0]?.data_key_id ?? "";
    folder.setVariables(variables([next, old]));
    await world.runtime.kill();
    world.runtime = await startRuntime(folder);
    const ids = [
      await start(world, { kind: "reencrypt", workspace_id: world.workspaceId }),
      await start(world, { kind: "rewrap" }),
    ];
    let kills = 0;
    while (kills < Number(values.kills)) {
      await liveAndDie(world);
      kills++;
      world.runtime = await startRuntime(folder);
      console.log(`kill ${kills}: ${await progressOf(world, ids)}`);
    }
    while ((await statesOf(world, ids)).includes("running") && world.minute < MINUTES_MAX)
      await Promise.all([
        playMinute(world),
        ...[1, 2, 3].map((n) => set(world, nameAt(world, n), `late ${world.sets} ${n}`)),
      ]);
    console.log(await progressOf(world, ids));
    folder.setVariables(variables([next]));
    await world.runtime.kill();
    world.runtime = await startRuntime(folder);
    return await judge(world, { oldKey, kills, secrets });
  } catch (error) {
    console.error(error);
    return 1;
  } finally {
    await world.runtime.kill();
    await upstreams.close();
    folder.remove();
  }
}

const base = {
  ...makeLocalSecrets(),
  OPERATOR_LOGINS: "alice@github",
  RATE_LIMITS: JSON.stringify({ secret_changes: 1_000_000, authentication: 1_000_000 }),
};

async function open(folder: RuntimeFolder, upstreams: Upstreams): Promise<World> {
  const runtime = await startRuntime(folder);
  const tailscale = localClaims(upstreams, { tailnet: "example.ts.net", hostname: "alice-laptop" });
  const body = { tailscale };
  const signedIn = await apiClient(runtime.url).call<{ token: string; user_uuid: string }>("POST", "/auth/cli", {
    body,
  });
  const { token, user_uuid: workspaceId } = signedIn;
  return { folder, runtime, token, workspaceId, expected: new Map(), sets: 0, minute: 0 };
}

const client = ({ runtime, token }: World) => apiClient(runtime.url, token);

const ask = async ({ runtime, workspaceId }: World, route: string, query: Record<string, string>) => {
  const search = new URLSearchParams({ workspace: workspaceId, ...query });
  const response = await fetch(`${runtime.url}/__rotate/${route}?${search.toString()}`);
  if (!response.ok) throw new Error(`${route}: ${await response.text()}`);
  return response;
};

const SEEDED_AT_ONCE = 500;

async function seed(world: World, secrets: number): Promise<void> {
  await set(world, "s0", seededValue(0)); // mints the workspace's keys
  for (let from = 1; from < secrets; from += SEEDED_AT_ONCE) {
    const count = Math.min(SEEDED_AT_ONCE, secrets - from);
    await (await ask(world, "seed", { from: String(from), count: String(count) })).text();
    for (let n = from; n < from + count; n++) world.expected.set(`s${n}`, new Set([seededValue(n)]));
  }
}

async function set(world: World, name: string, value: string): Promise<void> {
  const candidates = world.expected.get(name) ?? new Set<string>();
  candidates.add(value); // until the answer is here, it may have been stored or not
  world.expected.set(name, candidates);
  await client(world).call("POST", "/secrets/set", { body: { name, value } });
  world.sets++;
  world.expected.set(name, new Set([value]));
}

const start = async (world: World, body: object) =>
  (await client(world).call<{ id: string }>("POST", "/operations/key-rotations", { body })).id;

async function playMinute(world: World): Promise<void> {
  const query = new URLSearchParams({ cron: "* * * * *", time: String(Date.now() + ++world.minute * 60_000) });
  const response = await fetch(`${world.runtime.url}/cdn-cgi/local/scheduled?${query.toString()}`);
  await response.body?.cancel();
}

/** Some name, another one each time. */
function nameAt({ expected, sets, minute }: World, n: number): string {
  const names = [...expected.keys()];
  return names[(n * 7919 + sets * 104_729 + minute * 1_299_709) % names.length] ?? "s0";
}

/** Two seconds of cron and sets, then SIGKILL in the midst of them. */
async function liveAndDie(world: World): Promise<void> {
  let isDead = false;
  const until = async (work: (n: number) => Promise<void>) => {
    for (let n = 0; !isDead; n++)
      try {
        await work(n);
      } catch (error) {
        if (isDead) return; // cut off
        console.log(`refused while it lived: ${error instanceof Error ? error.message : String(error)}`);
        await sleep(100);
      }
  };
  const work = [until(() => playMinute(world)), until((n) => set(world, nameAt(world, n), `set ${world.sets} ${n}`))];
  await sleep(ALIVE_MS);
  isDead = true;
  await world.runtime.kill();
  await Promise.all(work);
}

type Progress = { kind: string; state: string; done: number; failed: number; remaining: number };
const readProgress = (world: World, ids: string[]) =>
  Promise.all(ids.map((id) => client(world).call<Progress>("GET", `/operations/key-rotations/${id}`)));
const statesOf = async (world: World, ids: string[]) => (await readProgress(world, ids)).map(({ state }) => state);
const progressOf = async (world: World, ids: string[]) =>
  (await readProgress(world, ids))
    .map(
      ({ kind, state, done, failed, remaining }) =>
        `${kind} ${state}: ${done} done, ${failed} failed, ${remaining} left`,
    )
    .join("; ");

async function readAll(world: World): Promise<StoredValue[]> {
  const all: StoredValue[] = [];
  for (;;) {
    const page = (await (await ask(world, "read", { after: all.at(-1)?.name ?? "" })).json()) as StoredValue[];
    if (page.length === 0) return all;
    all.push(...page);
  }
}

async function judge(
  world: World,
  { oldKey, kills, secrets }: { oldKey: string; kills: number; secrets: number },
): Promise<number> {
  const stored = new Map((await readAll(world)).map((row) => [row.name, row]));
  let lost = 0;
  for (const [name, candidates] of world.expected) {
    const value = stored.get(name)?.value ?? null;
    if (value === null || !candidates.has(value)) lost++;
  }
  const copies = (await (await ask(world, "copies", {})).json()) as Record<string, number>;
  const under_old_key =
    [...stored.values()].filter(({ data_key_id, kid }) => data_key_id === oldKey || kid === "old").length +
    (copies[oldKey] ?? 0);
  const { sets, minute: minutes } = world;
  console.log(JSON.stringify({ secrets, kills, sets, lost, under_old_key, minutes }));
  return lost + under_old_key === 0 && kills >= 5 ? 0 : 1;
}

process.exitCode = await main();
