import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { admitPack } from "#registry/admit-pack.ts";
import { unpackArchive } from "#registry/unpack.ts";
import { readTree } from "../../tools/fixtures/fixture-release.ts";
import { FIXTURES, SMALL, emptyFolder, findingsOf, legerPack, withPack, writeFiles } from "./leger-pack.ts";

const Built = z.strictObject({
  file: z.string(),
  files: z.int(),
  bytes: z.int(),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
});
describe("build", () => {
  const build = async (from: string, ...words: string[]) => {
    const { status, stdout, stderr } = await legerPack(["build", ...words], { from });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  test("gives the same bytes twice, and from a copy with other times, rights and order of files", async () => {
    const from = withPack();
    const result = Built.parse(JSON.parse(await build(from, "pack", "--out", "first.tar.gz", "--json")));
    const first = readFileSync(path.join(from, "first.tar.gz"));
    expect(result).toEqual({
      file: "first.tar.gz",
      files: 2,
      bytes: first.byteLength,
      digest: `sha256:${createHash("sha256").update(first).digest("hex")}`,
    });
    await build(from, "pack", "--out", "second.tar.gz");
    expect(readFileSync(path.join(from, "second.tar.gz")).equals(first)).toBe(true);

    const before = process.umask(0o077);
    const other = writeFiles(emptyFolder(), Object.fromEntries(Object.entries(SMALL).toReversed()));
    process.umask(before);
    chmodSync(path.join(other, "schema.json"), 0o755);
    for (const file of Object.keys(SMALL)) utimesSync(path.join(other, file), 1_000_000_000, 1_000_000_000);
    await build(other, ".", "--out", path.join(from, "third.tar.gz"));
    expect(readFileSync(path.join(from, "third.tar.gz")).equals(first)).toBe(true);
  });

  test.each(["v1.0.0", "v1.1.0", "v2.0.0"])(
    "of our %s unpacks and is admitted as what the folder is",
    async (version) => {
      const from = emptyFolder();
      cpSync(path.join(FIXTURES, version, "pack"), path.join(from, "copy"), { recursive: true });
      await build(from, path.join(FIXTURES, version), "--out", "a.tar.gz");
      await build(from, "copy", "--out", "b.tar.gz");
      const archive = readFileSync(path.join(from, "a.tar.gz"));
      expect(readFileSync(path.join(from, "b.tar.gz")).equals(archive)).toBe(true);
      const unpacked = await unpackArchive(archive);
      if (!unpacked.ok) throw new Error(JSON.stringify(unpacked.error));
      const folder = readTree(path.join(FIXTURES, version, "pack"));
      expect([...unpacked.value.keys()]).toEqual([...folder.keys()].toSorted());
      const identity = { pack: "leger", version, notes: "" };
      const [asset, tree] = [await admitPack(unpacked.value, identity), await admitPack(folder, identity)];
      expect({ status: asset.status, digest: asset.digest }).toEqual({ status: "ready", digest: tree.digest });
    },
  );

  test("within the pack's own folder, in a git repository, is done again and again", async () => {
    const from = writeFiles(emptyFolder(), {
      ...SMALL,
      ".DS_Store": new Uint8Array([0xff]),
      "templates/.DS_Store": new Uint8Array([0xff]),
    });
    execFileSync("git", ["init", "-q"], { cwd: from });
    const first = await build(from, ".");
    expect(first).toMatch(/^leger-pack\.tar\.gz: 2 files, \d+ bytes, sha256:[0-9a-f]{64}\n$/);
    expect(await build(from, ".")).toBe(first);
    expect((await legerPack(["check", "."], { from })).status).toBe(0);
  });

  test.each<[string, RegExp]>([
    ["pack/schema.json", /lies in the pack's folder/],
    ["pack/asset.tar.gz", /lies in the pack's folder/],
    ["nowhere/asset.tar.gz", /there is no folder nowhere/],
    ["pack", /lies in the pack's folder|is a folder/],
    [".", /is a folder; name the file, for example leger-pack\.tar\.gz/],
  ])("writes nothing to %s", async (out, says) => {
    const from = withPack();
    const { status, stderr } = await legerPack(["build", "pack", "--out", out], { from });
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(says) });
    expect(readFileSync(path.join(from, "pack/schema.json"), "utf8")).toBe(SMALL["schema.json"]);
  });

  test("refuses a link: what it leads to would not be in the asset", async () => {
    const from = withPack();
    mkdirSync(path.join(from, "pack/data"));
    symlinkSync("/etc/hostname", path.join(from, "pack/data/host.json"));
    const { status, stdout } = await legerPack(["build", "pack", "--json"], { from });
    expect(status).toBe(1);
    expect(findingsOf(stdout)).toMatchObject([{ code: "pack_entry_not_a_file", place: { file: "data/host.json" } }]);
    expect(existsSync(path.join(from, "leger-pack.tar.gz"))).toBe(false);
  });
});
