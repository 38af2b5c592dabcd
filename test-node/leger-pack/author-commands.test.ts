import { existsSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Compatibility } from "#core/compatibility/compatibility.ts";
import { Finding } from "#core/finding.ts";
import { JsonObject } from "#core/json.ts";
import { type Files, SMALL, findingsOf, legerPack, linesOf, withPack, writeFiles } from "./leger-pack.ts";

const COMMANDS = ["check", "matrix", "build", "compat", "migrate"] as const;
/** The words that make a command run over `folder`, so that only what is tested is wrong. */
const wordsFor = (command: (typeof COMMANDS)[number], folder: string): string[] => {
  if (command === "compat") return ["compat", folder, folder, "--from", "v1.0.0", "--to", "v1.0.1"];
  if (command === "migrate")
    return ["migrate", folder, "--from", "v1.0.0", "--to", "v2.0.0", "--config", "config.json"];
  return [command, folder, ...(command === "build" ? ["--out", "out.tar.gz"] : [])];
};

const Figures = z.strictObject({
  factors: z.int(),
  values: z.int(),
  pairs: z.int(),
  covered: z.int(),
  excluded: z.int(),
  combinations: z.number(),
  rows: z.int(),
});
describe.each(COMMANDS)("leger-pack %s", (command) => {
  const refused = async (words: string[], from: string, says: RegExp) => {
    const { status, stdout, stderr } = await legerPack(words, { from });
    expect({ status, stdout }, stderr).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).not.toContain("    at "); // a stack is no answer
  };

  test("says what is wrong with its words, and ends with 2", async () => {
    const folder = withPack({});
    writeFiles(folder, { "empty/.keep": "", "other/readme.txt": "nothing" });
    await refused([command], folder, /missing required argument|required option/);
    await refused([...wordsFor(command, "pack"), "--nonsense"], folder, /unknown option '--nonsense'/);
    await refused([...wordsFor(command, "pack"), "more"], folder, /too many arguments/);
    await refused(wordsFor(command, "nowhere"), folder, /nowhere does not exist/);
    await refused(
      wordsFor(command, "empty"),
      folder,
      /empty is no pack: there is no schema\.json in it .*write-a-pack/,
    );
    await refused(wordsFor(command, "other"), folder, /other is no pack/);
    await refused(wordsFor(command, "config.json"), folder, /config\.json is a file; name the pack's folder/);
    expect(existsSync(path.join(folder, "out.tar.gz"))).toBe(false);
  });

  test("explains itself, with an exit code of 0", async () => {
    const { status, stdout } = await legerPack([command, "--help"]);
    expect(status).toBe(0);
    for (const said of [`leger-pack ${command}`, "--json", "Arguments:"]) expect(stdout).toContain(said);
  });

  test("hostile files are findings with their place, and end with 1", async () => {
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    const hostile: [files: Files, code: string, place: string][] = [
      [{ "schema.json": deep }, "pack_json_too_deep", "schema.json:1:1"],
      [{ "schema.json": '{\n "type": "object",\n "properties": ' }, "pack_json_invalid", "schema.json:3:16"],
      [{ "schema.json": '{"type":"object","properties":{"__proto__":{}}}' }, "pack_json_invalid", "schema.json:1:1"],
      [{ "data/x.json": "1e999" }, "pack_json_invalid", "data/x.json:1:1"],
      [{ "templates/logo.png": new Uint8Array([0x89, 0xff]) }, "pack_file_not_text", "templates/logo.png:1:1"],
      [{ "templates/con.txt": "x" }, "pack_path_reserved", "templates/con.txt:1:1"],
      [{ "templates/x.txt.j2": "{{ (" }, "syntax", "templates/x.txt.j2:1:5"],
    ];
    for (const [files, code, place] of hostile) {
      const from = withPack(files);
      const { status, stdout, stderr } = await legerPack([...wordsFor(command, "pack"), "--json"], { from });
      expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
      const found = findingsOf(stdout).slice(0, 1); // compat reads it twice
      const folder = command === "compat" ? "pack/" : "";
      expect(found.map((one) => `${one.code} ${one.place?.file}:${one.place?.line}:${one.place?.column}`)).toEqual([
        `${code} ${folder}${place}`,
      ]);
    }
  });
});

describe("check", () => {
  test("of a pack without faults says ready, its matrix and its CPU per phase", async () => {
    const from = withPack();
    const { status, stdout, stderr } = await legerPack(["check", "pack"], { from });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(
      /^matrix: 7 rows rendered, for 6 of 6 pairs of values of 2 decisions\nCPU: analysis \d+ ms,/,
    );
    expect(stdout).toMatch(/\nIt would be ready\.\n$/);
    const json = linesOf((await legerPack(["check", "pack", "--json"], { from })).stdout);
    const Summary = z.strictObject({
      matrix: Figures,
      compatibility: z.null(),
      phases_cpu_ms: z.record(z.enum(["analysis", "matrix", "rendering", "quadlet checks", "migrations"]), z.int()),
    });
    expect(json.map((line) => Summary.parse(line))).toHaveLength(1);
  });

  test("of faults names each with file, line and what to do, and says quarantined", async () => {
    const schema = SMALL["schema.json"].replace(
      '"log": {',
      '"spare": { "type": "boolean", "default": false },\n    "log": {',
    );
    const from = withPack({ "schema.json": schema });
    const text = await legerPack(["check", "pack"], { from });
    expect(text.status).toBe(1);
    expect(text.stdout).toMatch(/^error unused_decision `spare` reaches no template\n {2}--> schema\.json:15:5\n/);
    expect(text.stdout).toMatch(/\n {2}do: \S.*\n/);
    expect(text.stdout).toMatch(/\nIt would be quarantined\.\n$/);
    const lines = linesOf((await legerPack(["check", "pack", "--json"], { from })).stdout);
    expect(Finding.parse(lines[0])).toMatchObject({
      code: "unused_decision",
      place: { file: "schema.json", line: 15 },
    });
    expect(lines).toHaveLength(2);
  });

  test("compares with the release before it, and warns of a number that promises too much", async () => {
    const from = withPack({ "schema.json": SMALL["schema.json"].replace(/,\s*"loud"/, "") });
    writeFiles(path.join(from, "old"), SMALL);
    const check = (version: string, ...more: string[]) =>
      legerPack(["check", "pack", "--previous", "old", "--previous-version", "v1.0.0", "--version", version, ...more], {
        from,
      });
    expect((await check("v2.0.0")).stdout).toContain("v1.0.0 -> v2.0.0: breaking;");
    const patch = await check("v1.0.1", "--json");
    expect(patch.status).toBe(0); // a warning: it is ready, and taken by nobody automatically
    const [warning, summary] = linesOf(patch.stdout);
    expect(Finding.parse(warning)).toMatchObject({ code: "version_overpromises", place: { file: "schema.json" } });
    expect(Compatibility.strict().parse((summary as JsonObject)["compatibility"])).toMatchObject({
      is_overpromising: true,
    });
  });

  test.each<[string[], RegExp]>([
    [["--version", "1.2.0"], /--version takes a tag like v1\.2\.0 .*not 1\.2\.0/],
    [["--version", "v01.2.0"], /--version takes a tag/],
    [["--version", "v1.2.0+linux"], /--version takes a tag/],
    [["--previous", "pack"], /--previous needs both tags: --version <tag> is missing/],
    [["--previous", "pack", "--version", "v1.1.0"], /--previous-version <tag> is missing/],
    [["--previous-version", "v1.0.0"], /--previous <folder>, which is missing/],
    [["--previous", "pack", "--version", "v1.0.0", "--previous-version", "v1.0.0"], /does not come after/],
    [["--previous", "nowhere", "--version", "v1.1.0", "--previous-version", "v1.0.0"], /nowhere does not exist/],
  ])("%j is refused", async (words, says) => {
    const { status, stderr } = await legerPack(["check", "pack", ...words], { from: withPack() });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(says) });
  });
});

test("matrix prints rows that render takes, and counts every pair", async () => {
  const from = withPack();
  const lines = linesOf((await legerPack(["matrix", "pack", "--json"], { from })).stdout);
  const Row = z.strictObject({ name: z.string().regex(/^row-\d+$/), configData: JsonObject });
  const rows = lines.slice(0, -1).map((line) => Row.parse(line).configData);
  expect(Figures.parse(lines.at(-1))).toMatchObject({ rows: rows.length, pairs: 6, covered: 6, combinations: 6 });
  const valueOf = (row: JsonObject, key: string, fallback: unknown) => JSON.stringify(row[key] ?? fallback);
  const pairs = new Set(rows.map((row) => `${valueOf(row, "tls", false)} ${valueOf(row, "log", "normal")}`));
  expect(pairs.size).toBe(6);
  const text = await legerPack(["matrix", "pack"], { from });
  expect(text.status).toBe(0);
  expect(text.stdout).toMatch(/^row-1 \{.*\}\n[\s\S]*\n7 rows cover 6 of 6 pairs; all combinations would be 6\n$/);
});
