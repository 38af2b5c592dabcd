import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Finding } from "#core/finding.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const PACKS = path.join(import.meta.dirname, "packs");
const OUT = mkdtempSync(path.join(os.tmpdir(), "leger-pack-"));
afterAll(() => rmSync(OUT, { recursive: true, force: true }));

/** The command as a person runs it: one process, its exit code, what it prints. */
function legerPack(words: string[], { isColoured = false } = {}) {
  const env: NodeJS.ProcessEnv = { ...process.env, INIT_CWD: ROOT };
  delete env["FORCE_COLOR"];
  env[isColoured ? "FORCE_COLOR" : "NO_COLOR"] = "1";
  if (isColoured) delete env["NO_COLOR"];
  return spawnSync(process.execPath, ["tools/leger-pack/leger-pack.mjs", ...words], {
    cwd: ROOT,
    encoding: "utf8",
    env,
  });
}

const render = (name: string, ...options: string[]) => {
  const pack = path.join(PACKS, name);
  return legerPack([
    "render",
    `${pack}/pack`,
    "--config",
    `${pack}/config.json`,
    "--out",
    `${OUT}/${name}`,
    ...options,
  ]);
};

const findingsOf = (stdout: string) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => Finding.parse(JSON.parse(line)));

describe("one run names everything that is wrong", () => {
  // What a terminal shows stands beside each pack: read it there, and write it anew with `vitest -u`.
  test.each(["classic-mistakes", "ten-faults", "newer-key"])("%s", async (name) => {
    const { stdout, stderr } = render(name);
    expect(stderr).toBe("");
    await expect(stdout.replaceAll(OUT, "OUT")).toMatchFileSnapshot(path.join(PACKS, name, "terminal.txt"));
  });

  test("the classic mistakes: file, line, decision and fix of each", () => {
    const { status, stdout } = render("classic-mistakes", "--json");
    expect(status).toBe(1);
    const found = findingsOf(stdout);
    expect(found.map(({ code, place, decision }) => `${code} ${place?.file}:${place?.line} ${decision}`)).toEqual([
      "dependency_name chat.container:4 /chat/network",
      "required_key chat.container:7 /chat/image",
      "reference_missing chat.container:8 /chat/network",
      "key_unknown chat.container:9 undefined", // fixed text of the template: no decision changes it
      "reference_missing chat.container:10 /chat/keep_data",
      "dependency_name chat.container:3 /chat/network",
      "literal_secret postgres.container:3 /chat/database_password",
    ]);
    for (const { action, template, excerpt } of found) {
      expect(action).not.toBe("");
      expect(template?.file).toMatch(/^templates\/.*\.j2$/);
      expect(excerpt).not.toHaveLength(0);
    }
    expect(stdout).not.toContain("changeme");
  });

  test("ten faults of a template: all ten, with the decision where one is read there", () => {
    const { status, stdout } = render("ten-faults", "--json");
    expect(status).toBe(1);
    expect(
      findingsOf(stdout).map(({ code, place, decision }) => `${code} ${place?.line}:${place?.column} ${decision}`),
    ).toEqual([
      "undefined 1:52 /web/prt",
      "import_not_found 2:30 undefined",
      "unit_unsafe_value 4:19 /web/title",
      "secret_ref_misplaced 8:25 /web/token",
      "sensitive_misplaced 9:25 /web/admin",
      "filter_type 10:38 /web/log_level",
      "undefined 11:36 /web/offset",
      "undefined 12:20 /web/mounts",
      "not_callable 15:11 undefined",
      "limit_loop 16:21 /web/replicas",
    ]);
  });
});

describe("exit codes: 0 fine, 1 findings, 2 wrong usage", () => {
  const good = path.join(ROOT, "templates-fixtures/leger/v1.1.0/cases/minimal/expected");

  test.each<[status: number, words: string[], says: string]>([
    [0, ["--help"], "Exit codes: 0 fine, 1 findings, 2 wrong usage."],
    [0, ["lint", good], "0 errors, 0 warnings in"],
    [0, ["plan", good, good], "Nothing happens."],
    [1, ["analyze", path.join(PACKS, "ten-faults/pack")], "branch|undefined|no decision provides|cannot"],
    [2, ["lnit"], "Did you mean lint?"],
    [2, ["check"], "missing required argument"],
    [2, ["lint", "/nowhere"], "/nowhere does not exist"],
    [2, ["lint", path.join(PACKS, "ten-faults/pack")], "no quadlet units there"],
    [2, ["explain", path.join(PACKS, "newer-key/pack"), "web", "--config", "x"], "is no OUTPUT:LINE"],
  ])("%i: %j", (status, words, says) => {
    const run = legerPack(words);
    expect(
      { status: run.status, isSaid: new RegExp(says).test(run.stdout + run.stderr) },
      run.stdout + run.stderr,
    ).toEqual({ status, isSaid: true });
    expect(run.stderr).not.toContain("    at "); // a stack is no answer
  });
});

test("a newer key is shipped as a flag, and refused where that is turned off", () => {
  expect(render("newer-key").status).toBe(0);
  expect(readdirSync(`${OUT}/newer-key`)).toEqual(["web.container"]);
  expect(readFileSync(`${OUT}/newer-key/web.container`, "utf8")).toContain('PodmanArgs="--memory=2g"');
  const off = render("newer-key", "--no-down-level", "--json");
  expect(off.status).toBe(1);
  expect(findingsOf(off.stdout).map(({ code }) => code)).toEqual(["key_too_new"]);
  expect(render("newer-key", "--podman", "5.8").stdout).not.toContain("key_down_levelled");
});

test("lint knows any Podman, and prints JSON lines, SARIF and colours", () => {
  render("newer-key", "--podman", "5.8");
  const lint = (...options: string[]) => legerPack(["lint", `${OUT}/newer-key`, ...options]);
  expect(lint("--podman", "5.8").status).toBe(0);
  expect(lint("--podman", "5.4").status).toBe(1);
  expect(findingsOf(lint("--json").stdout)[0]?.action).toContain("PodmanArgs=--memory");
  expect(JSON.parse(lint("--sarif").stdout)).toMatchObject({
    version: "2.1.0",
    runs: [{ results: [{ ruleId: "key_too_new", level: "error" }] }],
  });
  const coloured = legerPack(["lint", `${OUT}/newer-key`], { isColoured: true }).stdout;
  expect(coloured).toContain("\u001b[");
  expect(lint().stdout).not.toContain("\u001b[");
});
