import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, type Data, EXAMPLE, makeClient, port, qdrant, redis, tokenOf } from "./client.ts";
import { type Machine, type Running, type Stack, startStack } from "../../tools/tour/local-stack.ts";
import { comparable } from "../../tools/tour/replay.ts";
import { playTour } from "../../tools/tour/play-tour.ts";
import { SECRETS, findGenerator, standIn } from "../../tools/tour/stand-in-machine.ts";
import { previewPack } from "./preview-pack.ts";
import { type Proxy, startProxy } from "./start-proxy.ts";
import { watchFolder } from "./watch-folder.ts";

let stack: Stack;
let proxy: Proxy;
let alice: Machine;
let client: Client;
let played: Awaited<ReturnType<typeof playTour>> = [];

beforeAll(async () => {
  stack = await startStack();
  if (findGenerator() !== undefined) played = await playTour(stack); // first: its page counts what is there
  proxy = await startProxy(stack.url);
  alice = stack.machine("alice");
  const login = await alice.leger(["login", "--claims", "claims.json"]);
  if (login.code !== 0) throw new Error(login.stderr);
  client = makeClient(stack, alice);
}, 300_000);
afterAll(async () => {
  await proxy?.close();
  await stack?.close();
});

const api: Client["api"] = (...of) => client.api(...of);
const save: Client["save"] = (...of) => client.save(...of);

/** The one JSON value on stdout. */
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as Record<string, unknown>;

async function until<T>(what: string, look: () => T | null | undefined | false): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const found = look();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`waited in vain for ${what}`);
}

describe.skipIf(findGenerator() === undefined)("docs/tour.md", () => {
  it("shows what its commands print", () => {
    expect(played.length).toBeGreaterThan(20);
    for (const { command, shown, output } of played)
      expect(`$ ${command}\n${comparable(shown)}`).toBe(`$ ${command}\n${comparable(output)}`);
  });
});

describe("a person", () => {
  it("has a token that nobody else of the machine can read, and that is never shown", async () => {
    const file = path.join(alice.env.XDG_CONFIG_HOME, "leger/session.json");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { token } = JSON.parse(readFileSync(file, "utf8")) as { token: string };
    const who = await alice.leger(["whoami", "--json"]);
    expect(json(who)).toMatchObject({ login: "alice@github", device_hostname: "alice-laptop", server: stack.url });
    expect(who.stdout + who.stderr).not.toContain(token);
  });

  it("learns from the exit code what kind of failure it was", async () => {
    const nowhere = "http://127.0.0.1:9";
    const unknown = { LEGER_TOKEN: "leg_x" };
    const cases: [number, string[], Record<string, string>][] = [
      [2, ["config", "svae", "x"], {}],
      [2, ["config", "save", "x", "--file", "no-such-file.json"], {}],
      [1, ["config", "show", "nobody"], {}],
      [4, ["config", "list", "--server", nowhere], {}], // the token is for another server
      [3, ["config", "list"], { ...unknown, LEGER_API_URL: nowhere }],
      [4, ["config", "list"], unknown],
      [2, ["whoami"], { LEGER_API_URL: "http://example.com" }], // in the clear
    ];
    const codes = await Promise.all(cases.map(async ([, args, env]) => (await alice.leger(args, { env })).code));
    expect(codes).toEqual(cases.map(([code]) => code));
  });

  it("reads what happened and what to do, as text and as one JSON value", async () => {
    const refused = await alice.leger(["config", "show", "nobody", "--json"]);
    const { error } = json(refused) as { error: { code: string; message: string; action: string } };
    expect(error.code).toBe("configuration_not_found");
    expect(refused.stderr).toContain(error.message);
    expect(refused.stderr).toContain(`do: ${error.action}`);
    // no terminal, no colours
    // oxlint-disable-next-line no-control-regex -- the escape of colours is what is looked for
    expect(refused.stderr).not.toMatch(/\u001b/);
  });

  it("saves, sees every wrong decision at once, and overwrites nobody", async () => {
    expect((await alice.leger(["config", "save", "edited", "--file", EXAMPLE, "--schema", "v1.0.0"])).code).toBe(0);
    const wrong = await alice.leger([
      "config",
      "save",
      "edited",
      "--set",
      "ai_stack.vector_database=chroma2",
      "--set",
      "services.nope=1",
    ]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("decision: /ai_stack/vector_database");
    expect(wrong.stderr).toContain("/services/nope");
    const preview = await alice.leger(["config", "preview", "edited", "--set", "services.enable_redis=true", "--json"]);
    expect(json(preview)).toMatchObject({ unchanged: false, render: { state: "rendered" } });
    const changed = await alice.leger(["config", "save", "edited", "--set", "services.enable_redis=true"]);
    expect(changed.stdout).toContain("Valkey (Redis) on");
    expect(changed.stdout).toContain("rendered and checked");
    const stale = await alice.leger([
      "config",
      "save",
      "edited",
      "--if-version",
      "1",
      "--unset",
      "services.enable_redis",
      "--json",
    ]);
    expect(stale.code).toBe(1);
    expect(json(stale)).toMatchObject({ error: { code: "version_conflict" } });
    expect((await alice.leger(["config", "diff", "edited"])).stdout).toContain("Valkey");
    expect((await alice.leger(["config", "history", "edited", "--json"])).code).toBe(0);
    expect(json(await alice.leger(["schema", "proposals", "--json"]))).toMatchObject({ yanked: [] });
    expect((await alice.leger(["schema", "dismiss", "00000000-0000-4000-8000-000000000000"])).code).toBe(1);
  });

  it("previews a pack before its release, and reads on where the answer says", async () => {
    expect(await previewPack(alice)).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("pull", () => {
  it("refuses bytes that do not match, an older version, and other bytes for a version; what is here stays", async () => {
    await save("corrupt");
    const env = { LEGER_API_URL: proxy.url, LEGER_TOKEN: tokenOf(alice) };
    const pull = () => alice.leger(["pull", "corrupt", "--out", "corrupt", "--json"], { env });
    const flip = (bytes: Uint8Array) => bytes.map((byte, index) => (index === 10 ? byte ^ 1 : byte));

    for (const victim of ["/files/postgres.container", "/files/manifest.json"]) {
      proxy.tamper((url, body) => (url.endsWith(victim) ? flip(body) : null));
      const refused = await pull();
      expect([victim, refused.code]).toEqual([victim, 5]);
      expect(existsSync(alice.file("corrupt/current"))).toBe(false);
    }
    proxy.tamper((url, body) => (url.endsWith("/files/postgres.container") ? body.subarray(0, 40) : null)); // cut off
    expect((await pull()).code).toBe(5);

    let first = new Uint8Array();
    proxy.tamper((url, body) => {
      if (url.startsWith("/config/latest") && first.length === 0) first = new Uint8Array(body);
      return null;
    });
    expect((await pull()).code).toBe(0);
    const second = await save("corrupt", redis(true));
    expect(json(await pull())).toMatchObject({ event: "pulled", version: second });
    proxy.tamper((url) => (url.startsWith("/config/latest") ? first : null));
    await save("corrupt"); // so that the ETag does not match
    const back = await pull();
    expect([back.code, json(back)]).toMatchObject([5, { error: { code: "went_back" } }]);
    expect(JSON.parse(readFileSync(alice.file("corrupt/current/manifest.json"), "utf8"))).toMatchObject({
      version: second,
    });
    proxy.tamper(null);
  });

  it("mends what somebody changed by hand, and keeps the version before", async () => {
    const version = await save("mended");
    expect((await alice.leger(["pull", "mended", "--out", "mended"])).code).toBe(0);
    const next = await save("mended", redis(true));
    await alice.leger(["pull", "mended", "--out", "mended"]);
    writeFileSync(alice.file("mended/current/postgres.container"), "[Container]\nImage=evil\n");
    expect((await alice.leger(["pull", "mended", "--out", "mended"])).code).toBe(0);
    expect(readFileSync(alice.file("mended/current/postgres.container"), "utf8")).not.toContain("evil");
    const versionIn = (link: string) =>
      (JSON.parse(readFileSync(alice.file(`mended/${link}/manifest.json`), "utf8")) as { version: number }).version;
    expect(versionIn("current")).toBe(next);
    expect([version, next]).toContain(versionIn("previous"));
  });

  it("--watch lives through an outage, a change, a rollback, a deletion: always a complete version, never an older one", async () => {
    const out = alice.file("watched");
    const first = await save("watched");
    const checker = watchFolder(out);
    const watching = alice.start(["pull", "watched", "--out", "watched", "--watch", "--interval", "0.2", "--json"]);
    await event(watching, { event: "pulled", version: first });
    const busy = await alice.leger(["pull", "watched", "--out", "watched"]);
    expect([busy.code, busy.stderr]).toMatchObject([1, expect.stringContaining("Another leger works")]);

    const second = await save("watched", port(3001));
    await event(watching, { event: "pulled", version: second });
    await stack.stop();
    await sleep(3000);
    await stack.restart();
    const third = await save("watched", redis(true));
    await event(watching, { event: "pulled", version: third });

    const rolledBack = await alice.leger(["config", "rollback", "watched", String(first), "--yes", "--json"]);
    const fourth = (json(rolledBack)["version"] as { version: number }).version;
    expect(fourth).toBeGreaterThan(third);
    await event(watching, { event: "pulled", version: fourth });
    expect((await alice.leger(["config", "delete", "watched", "--yes"])).code).toBe(0);
    await event(watching, { event: "deleted", kept_version: fourth });

    watching.kill("SIGTERM");
    const ended = await watching.finished;
    const { problems, versions, looks } = await checker.end();
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("cannot be reached");
    expect(problems).toEqual([]);
    expect(versions).toEqual([first, second, third, fourth]);
    expect(looks).toBeGreaterThan(100);
    expect(JSON.parse(readFileSync(path.join(out, "current/manifest.json"), "utf8"))).toMatchObject({
      version: fourth,
    });
  });
});

const event = (running: Running, wanted: Record<string, unknown>) =>
  until(JSON.stringify(wanted), () =>
    running.lines().some((line) => {
      const said = JSON.parse(line) as Record<string, unknown>;
      return Object.entries(wanted).every(([key, value]) => said[key] === value);
    }),
  );

describe.skipIf(findGenerator() === undefined)("apply", () => {
  const stateOf = async (name: string) =>
    ((await api("GET", `/deployments?deployment=${name}`))["deployments"] as Data[])[0];
  const asCommands = (steps: { action: string; target: string; is_implied: boolean }[]) =>
    steps.flatMap(({ action, target, is_implied }) => {
      if (is_implied || action === "create_secret" || action === "install") return [];
      if (action === "pull") return [`podman pull --quiet ${target}`];
      return [`systemctl ${action} ${target}.service`];
    });

  it("does what the server's plan says, in its order, and reports what it proved", async () => {
    const on = standIn(alice, "applied");
    const first = await save("applied");
    const missing = await on.apply();
    expect([missing.code, missing.stderr]).toMatchObject([
      1,
      expect.stringContaining("lacks the secrets litellm_master_key"),
    ]);
    expect(on.changes()).toEqual([]);
    expect(on.installed()).toBe(null);

    on.setSecrets(SECRETS);
    expect((await on.apply()).stderr).toContain("takes every unit");
    expect(await stateOf("applied")).toMatchObject({ state: "healthy", status: "active", version: first });
    expect(on.active()).toEqual(on.loaded());

    const second = await save("applied", redis(true));
    on.forget();
    expect((await on.apply()).code).toBe(0);
    const plan = (await api("GET", `/config/${second}/plan?from=${first}`)) as {
      steps: Parameters<typeof asCommands>[0];
    };
    const at = plan.steps.findIndex(({ action }) => action === "install");
    expect(on.changes()).toEqual([
      ...asCommands(plan.steps.slice(0, at)),
      "systemctl daemon-reload",
      ...asCommands(plan.steps.slice(at)),
    ]);
    expect(await stateOf("applied")).toMatchObject({ state: "healthy", version: second });
    on.forget();
    expect((await on.apply()).code).toBe(0);
    expect(on.changes()).toEqual([]);
  });

  it("swaps nothing when the machine's generator refuses, when data is at risk, or when an image is not there", async () => {
    const on = standIn(alice, "applied");
    const before = on.installed();
    const version = await save("applied", qdrant);
    writeFileSync(alice.file("refuse"), '#!/bin/sh\necho "unsupported key Foo in postgres.container" >&2\nexit 1\n', {
      mode: 0o755,
    });
    on.forget();
    const refused = await on.apply("--quadlet", alice.file("refuse"));
    expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining("unsupported key Foo")]);
    expect(await stateOf("applied")).toMatchObject({ state: "failed", version });
    const risky = await on.apply("--json");
    expect(json(risky)).toMatchObject({ error: { code: "data_at_risk" } });
    on.fails("pull");
    const unpulled = await on.apply("--accept-data-risks");
    expect([unpulled.code, unpulled.stderr]).toMatchObject([1, expect.stringContaining("manifest unknown")]);
    on.works("pull");
    expect(on.changes().filter((line) => !line.startsWith("podman pull"))).toEqual([]);
    expect(on.installed()).toBe(before);
    expect((await on.apply("--accept-data-risks")).code).toBe(0);
    expect(on.active()).toEqual(on.loaded());
  });

  it("reports a start that fails, and takes it up again the next time", async () => {
    const on = standIn(alice, "applied");
    const version = await save("applied", qdrant, port(3005));
    on.fails("restart-openwebui.service");
    const failed = await on.apply("--json");
    expect(json(failed)).toMatchObject({
      error: { code: "apply_failed", message: expect.stringContaining("restart openwebui") as string },
    });
    expect(failed.code).toBe(1);
    expect(await stateOf("applied")).toMatchObject({
      state: "failed",
      version,
      error: expect.stringContaining("control process") as string,
    });
    on.works("restart-openwebui.service");
    on.forget();
    expect((await on.apply()).code).toBe(0);
    expect(on.changes()).toEqual(["systemctl daemon-reload", "systemctl restart openwebui.service"]);
    expect(await stateOf("applied")).toMatchObject({ state: "healthy", version });
  });

  it("ends complete when it was killed in the middle and is run again, wherever that was", async () => {
    const on = standIn(alice, "applied");
    for (const [call, isOn] of [
      ["pull", true],
      ["stop-valkey.service", false],
      ["daemon-reload", true],
      ["restart-litellm.service", false],
      ["start-valkey.service", true],
    ] as const) {
      const version = await save("applied", qdrant, redis(isOn));
      on.forget();
      await on.killIn(call);
      const finished = await on.apply("--accept-data-risks");
      expect([call, finished.code, finished.stderr]).toMatchObject([call, 0, expect.any(String)]);
      expect(on.installed()).toContain(`.${version}-`);
      expect(on.active()).toEqual(on.loaded());
      const changes = on.changes();
      const restarted = changes.lastIndexOf("systemctl restart openwebui.service");
      expect([call, restarted > changes.indexOf("systemctl daemon-reload")]).toEqual([call, true]);
      expect(await stateOf("applied")).toMatchObject({ state: "healthy", version });
    }
  });

  it("says a deletion and removes nothing by itself; --remove stops everything in order and reports it", async () => {
    const on = standIn(alice, "applied");
    const before = { active: on.active(), installed: on.installed() };
    await api("DELETE", "/configurations/applied");
    on.forget();
    const told = await on.apply();
    expect([told.code, told.stdout]).toMatchObject([0, expect.stringContaining("nothing is removed")]);
    expect({ active: on.active(), installed: on.installed() }).toEqual(before);
    expect(on.changes()).toEqual([]);
    expect((await on.apply("--remove")).code).toBe(0);
    expect(on.active()).toEqual([]);
    expect(on.installed()).toBe(null);
    expect(await stateOf("applied")).toMatchObject({ state: "removed", status: "active" });
    expect(readdirSync(path.join(alice.env.XDG_DATA_HOME, "leger/deployments/applied"))).not.toContain("journal.json");
  });
});

describe("another person", () => {
  it("gets in with a key and the operator's code, replays an export, keeps secrets by name, and lets a second machine in", async () => {
    await save("moved");
    const newest = await save("moved", redis(true));
    expect((await alice.leger(["export", "--out", "export.jsonl"])).code).toBe(0);
    const exported = readFileSync(alice.file("export.jsonl"), "utf8");
    const bob = stack.machine("bob", "bob-laptop", "team.ts.net");
    const refused = await bob.leger(["login", "--claims", "claims.json"]);
    expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining("enrolment code")]);
    const { code } = await api("POST", "/auth/enrolment-codes", { login: "bob@example.com" });
    const login = await bob.leger(["login", "--claims", "claims.json", "--code", String(code)]);
    expect([login.code, login.stdout]).toMatchObject([0, expect.stringContaining("bound to this device's key")]);
    expect(statSync(path.join(bob.env.XDG_CONFIG_HOME, "leger/device-key.json")).mode & 0o777).toBe(0o600);

    const cut = await bob.leger(["import", "-"], { input: exported.slice(0, -30) });
    expect([cut.code, cut.stderr]).toMatchObject([5, expect.stringContaining("cut off")]);
    const first = await bob.leger(["import", "-", "--only", "moved", "--json"], { input: exported });
    expect(json(first)).toMatchObject({
      imported: [{ name: "moved", versions: 2, error: null }],
      missing_secrets: SECRETS,
    });
    const again = await bob.leger(["import", "-", "--only", "moved", "--json"], { input: exported });
    expect((json(again)["imported"] as Data[])[0]?.["version"]).toBe(
      (json(first)["imported"] as Data[])[0]?.["version"],
    );
    const [history, shown] = await Promise.all([
      bob.leger(["config", "history", "moved", "--json"]),
      bob.leger(["config", "show", "moved", "--json"]),
    ]);
    expect(json(history)["versions"]).toHaveLength(2);
    const original = await api("GET", `/configurations/moved/versions/${newest}`);
    expect(json(shown)["config_data"]).toEqual(original["config_data"]);

    const value = Buffer.from([0, 255, 10, 13, 10]);
    writeFileSync(bob.file("value"), value);
    expect((await bob.leger(["secrets", "set", "postgres_password", "--file", "value"])).code).toBe(0);
    const read = json(await bob.leger(["secrets", "get", "postgres_password", "--json"]));
    expect(Buffer.from(String(read["value"]), "base64")).toEqual(value);
    const needed = await bob.leger(["secrets", "needed", "moved", "--json"]);
    expect([needed.code, json(needed)["present"]]).toMatchObject([1, [{ name: "postgres_password" }]]);

    const second = stack.machine("bob-again", "bob-laptop", "team.ts.net");
    const waiting = second.start(["login", "--claims", "claims.json"]);
    const shownCode = await until(
      "the code of the second machine",
      () => /Its code is ([0-9A-Z-]+)/.exec(waiting.errors())?.[1],
    );
    expect((await bob.leger(["devices", "approve", shownCode])).stdout).toContain("approved");
    expect((await waiting.finished).code).toBe(0);
    expect((await second.leger(["whoami"])).stdout).toContain("bob@example.com");
    expect((await second.leger(["logout"])).code).toBe(0);
    expect((await second.leger(["whoami"])).code).toBe(4);
  });

  it("uploads finished files, which are checked like renders; restores and purges what was deleted", async () => {
    const folder = alice.file("own");
    mkdirSync(folder);
    writeFileSync(
      path.join(folder, "web.container"),
      "[Container]\nImage=docker.io/library/nginx:1.27\nPublishPort=8080:80x\n",
    );
    const refused = await alice.leger(["config", "upload", "own", "own"]);
    expect([refused.code, refused.stderr]).toMatchObject([1, expect.stringContaining("web.container:3")]);
    writeFileSync(
      path.join(folder, "web.container"),
      "[Container]\nImage=docker.io/library/nginx:1.27\nPublishPort=8080:80\n",
    );
    expect((await alice.leger(["config", "upload", "own", "own"])).code).toBe(0);
    expect((await alice.leger(["pull", "own", "--out", "own-pulled"])).code).toBe(0);
    expect(readFileSync(alice.file("own-pulled/current/web.container"), "utf8")).toContain("8080:80\n");
    expect((await alice.leger(["config", "delete", "own", "--yes"])).code).toBe(0);
    expect((await alice.leger(["config", "restore", "own"])).code).toBe(0);
    expect((await alice.leger(["config", "delete", "own", "--yes"])).code).toBe(0);
    expect((await alice.leger(["config", "purge", "own"])).code).toBe(2); // nobody to ask
    expect((await alice.leger(["config", "purge", "own", "--confirm", "own"])).stdout).toContain("erased");
  });
});
