import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Compatibility } from "#core/compatibility/compatibility.ts";
import { JsonObject } from "#core/json.ts";
import { FIXTURES, SMALL, emptyFolder, findingsOf, legerPack, withPack, writeFiles } from "./leger-pack.ts";

const Migrated = z.strictObject({
  config_data: JsonObject,
  lost: z.array(z.strictObject({ decision: z.string(), reason: z.string() })),
  migrations: z.int(),
});

const WORDS = ["migrate", "pack", "--from", "v1.0.0", "--to", "v2.0.0", "--config", "config.json"];

describe("compat", () => {
  const release = (version: string) => path.join(FIXTURES, version);

  test("knows our releases by their folders' names: v1.1.0 is a minor step, v2.0.0 a major one that migrates", async () => {
    const minor = await legerPack(["compat", release("v1.0.0"), release("v1.1.0"), "--json"]);
    expect(minor.status).toBe(0);
    expect(Compatibility.strict().parse(JSON.parse(minor.stdout))).toMatchObject({
      from: "v1.0.0",
      to: "v1.1.0",
      class: "compatible",
      deserved: "minor",
      promised: "minor",
    });
    const major = await legerPack(["compat", release("v1.1.0"), release("v2.0.0")]);
    expect(major.status).toBe(0);
    expect(major.stdout).toContain(
      "`ai_stack.advanced.rag_top_k` became `ai_stack.advanced.top_k`; a migration carries",
    );
    expect(major.stdout).toMatch(/\nmigrates; deserves a major step; v1\.1\.0 -> v2\.0\.0 is a major one\n$/);
  });

  test("ends with 1 where the number promises more than the release keeps", async () => {
    const { status, stdout } = await legerPack(["compat", release("v1.0.0"), release("v1.1.0"), "--to", "v1.0.1"]);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /deserves a minor step, but v1\.0\.0 -> v1\.0\.1 is a patch one: nobody takes it automatically\n$/,
    );
  });

  test("judges no promise that nobody made", async () => {
    const from = withPack({ "schema.json": SMALL["schema.json"].replace(/,\s*"loud"/, "") });
    writeFiles(path.join(from, "old"), SMALL);
    const text = await legerPack(["compat", "old", "pack"], { from });
    expect({ status: text.status, last: text.stdout.trimEnd().split("\n").at(-1) }).toEqual({
      status: 0,
      last: "breaking; deserves a major step (say --from and --to to have the number judged)",
    });
    const json = JSON.parse((await legerPack(["compat", "old", "pack", "--json"], { from })).stdout) as JsonObject;
    expect(json).toMatchObject({ from: null, to: null, promised: null, is_overpromising: false, deserved: "major" });
  });

  test.each<[string[], RegExp]>([
    [["--from", "1.0"], /--from takes a tag/],
    [["--from", "v1.0.0"], /say both versions: --to <tag> is missing/],
    [["--from", "v2.0.0", "--to", "v1.0.0"], /v1\.0\.0 does not come after v2\.0\.0/],
  ])("%j is refused", async (words, says) => {
    const { status, stderr } = await legerPack(["compat", "pack", "pack", ...words], { from: withPack() });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(says) });
  });

  test("asks for the versions where migrations go by them", async () => {
    const migration = { from: "^1", to: "^2", operations: [{ op: "rename", path: "log", to: "noise" }] };
    const from = withPack({ "migrations/2.json": JSON.stringify(migration) });
    writeFiles(path.join(from, "old"), SMALL);
    const { status, stderr } = await legerPack(["compat", "old", "pack"], { from });
    expect({ status, stderr }).toEqual({
      status: 2,
      stderr: expect.stringMatching(/migrations, which go by versions/),
    });
  });
});

describe("migrate, with the migration of our v2.0.0", () => {
  const config = (version: string, name: string) => path.join(FIXTURES, version, "cases", name, "config.json");
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as JsonObject;
  const migrate = (versions: [from: string, to: string], file: string, ...more: string[]) =>
    legerPack([
      "migrate",
      path.join(FIXTURES, "v2.0.0"),
      "--from",
      versions[0],
      "--to",
      versions[1],
      "--config",
      file,
      ...more,
    ]);

  test.each(["v1.0.0", "v1.1.0"])(
    "up from %s to what the case of v2.0.0 says, down to what it was; the loss is said",
    async (version) => {
      const from = emptyFolder();
      const file = config(version, "everything");
      const up = await migrate([version, "v2.0.0"], file, "--json");
      expect({ status: up.status, stderr: up.stderr }).toEqual({ status: 0, stderr: "" });
      const there = Migrated.parse(JSON.parse(up.stdout));
      expect(there.lost).toEqual([
        { decision: "/networking/hostname", reason: expect.stringMatching(/no longer redirects/) },
      ]);
      expect(there.migrations).toBe(1);

      writeFiles(from, { "v2.json": JSON.stringify(there.config_data) });
      const down = await migrate(["v2.0.0", version], path.join(from, "v2.json"), "--json");
      const { networking, ...others } = read(file);
      const { hostname, ...rest } = networking as JsonObject;
      expect(hostname).toBeDefined();
      expect(Migrated.parse(JSON.parse(down.stdout))).toEqual({
        config_data: { ...others, networking: rest },
        lost: [],
        migrations: 1,
      });
    },
  );

  test("for a person: the decisions on stdout, what was done and lost on stderr", async () => {
    const { status, stdout, stderr } = await migrate(["v1.1.0", "v2.0.0"], config("v1.1.0", "everything"));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(read(config("v2.0.0", "everything")));
    expect(stderr).toMatch(
      /^v1\.1\.0 -> v2\.0\.0: 1 migration with 8 operations, taken forward\.\nlost: \/networking\/hostname \(/,
    );
  });

  test("where none applies nothing changes, and that is said", async () => {
    const { status, stdout, stderr } = await migrate(["v1.0.0", "v1.1.0"], config("v1.0.0", "minimal"));
    expect({ status, config: JSON.parse(stdout) as unknown }).toEqual({
      status: 0,
      config: read(config("v1.0.0", "minimal")),
    });
    expect(stderr).toBe("No migration of this pack leads from v1.0.0 to v1.1.0: the decisions are as they were.\n");
  });

  test("what stands in the way is a finding with its decision; what the new schema refuses too", async () => {
    const from = writeFiles(emptyFolder(), {
      "collision.json": '{"networking":{"network_name":"a","network":{"name":"b"}}}',
      "refused.json": '{"ai_stack":{"llm_provider":"nobody"}}',
    });
    const collision = await migrate(["v1.1.0", "v2.0.0"], path.join(from, "collision.json"), "--json");
    expect(collision.status).toBe(1);
    expect(findingsOf(collision.stdout)).toMatchObject([
      { code: "migration_collision", decision: "/networking/network/name" },
    ]);
    const refused = await migrate(["v1.1.0", "v2.0.0"], path.join(from, "refused.json"), "--json");
    expect(refused.status).toBe(1);
    expect(Migrated.parse(JSON.parse(refused.stdout)).config_data).toEqual({
      ai_stack: { llm_provider: "nobody" },
    });
    expect(findingsOf(refused.stderr)).toMatchObject([{ decision: "/ai_stack/llm_provider" }]);
  });

  test.each<[name: string, content: string, says: RegExp]>([
    ["a list", "[]", /must hold one JSON object/],
    ["half a file", '{\n"a": ', /is not JSON: it cannot be parsed beyond line 2, column 6/],
    ["an empty file", "", /is not JSON/],
    ["a key that JavaScript reads", '{"__proto__":{"a":1}}', /the key "__proto__" is not allowed/],
    ["too deep nesting", `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`, /nested more than 32 deep/],
    ["a number that changes", '{"a":9007199254740993}', /too large to be kept exactly/],
  ])("a configuration that is %s is refused", async (_, content, says) => {
    const from = withPack();
    writeFiles(from, { "config.json": content });
    const { status, stdout, stderr } = await legerPack(WORDS, { from });
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error: --config config\.json /);
  });

  test("an input that nobody can derive is asked for, and taken from --inputs", async () => {
    const migration = { from: "^1", to: "^2", operations: [{ op: "require", path: "log", message: "How loud?" }] };
    const from = withPack({ "migrations/2.json": JSON.stringify(migration) });
    const asked = await legerPack([...WORDS, "--json"], { from });
    expect(asked.status).toBe(1);
    expect(findingsOf(asked.stdout)).toMatchObject([
      { code: "migration_input_missing", message: "How loud?", decision: "/log" },
    ]);
    writeFiles(from, { "inputs.json": '{"log":"loud"}' });
    const given = await legerPack([...WORDS, "--inputs", "inputs.json", "--json"], { from });
    expect(Migrated.parse(JSON.parse(given.stdout)).config_data).toEqual({ log: "loud" });
    const missing = await legerPack([...WORDS, "--inputs", "none.json"], { from });
    expect(missing).toMatchObject({ status: 2, stderr: "error: --inputs none.json does not exist\n" });
  });

  test.each<[string[], RegExp]>([
    [["--from", "1", "--to", "v2.0.0"], /--from takes a tag/],
    [["--from", "v1.0.0", "--to", "latest"], /--to takes a tag/],
    [["--from", "v1.0.0"], /required option '--to <tag>' not specified/],
  ])("%j is refused", async (words, says) => {
    const { status, stderr } = await legerPack(["migrate", "pack", ...words, "--config", "config.json"], {
      from: withPack(),
    });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(says) });
  });
});
