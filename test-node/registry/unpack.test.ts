import { gzipSync } from "fflate";
import { packTar } from "modern-tar";
import { describe, expect, test } from "vitest";
import { packFromTree } from "#core/pack-tree.ts";
import { unpackArchive } from "#registry/unpack.ts";

type Entry = Parameters<typeof packTar>[0][number];
const file = (name: string, body: string | Uint8Array = "x"): Entry => {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { header: { name, size: bytes.byteLength, type: "file" }, body: bytes };
};
const archive = async (entries: Entry[]) => gzipSync(await packTar(entries), { mtime: 0 });
const codes = async (bytes: Uint8Array) => {
  const unpacked = await unpackArchive(bytes);
  if (!unpacked.ok) return unpacked.error.map(({ code }) => code);
  const pack = packFromTree(unpacked.value, { pack: "p", version: "v1.0.0" });
  return pack.ok ? [] : pack.error.map(({ code }) => code);
};
const SCHEMA = file("schema.json", '{"type":"object","properties":{}}');

describe("a pack's archive", () => {
  test("is unpacked whole, folders and a leading ./ apart", async () => {
    const unpacked = await unpackArchive(
      await archive([
        { header: { name: "templates/", size: 0, type: "directory" } },
        SCHEMA,
        file("./templates/a.txt.j2", "hello"),
      ]),
    );
    expect(unpacked.ok && [...unpacked.value.keys()]).toEqual(["schema.json", "templates/a.txt.j2"]);
  });

  test.each<[string, () => Promise<Uint8Array>, string]>([
    ["a gzip bomb", async () => gzipSync(new Uint8Array(64 * 1024 * 1024), { mtime: 0 }), "pack_too_large"],
    [
      "cut off",
      async () =>
        (await archive([SCHEMA, file("a", crypto.getRandomValues(new Uint8Array(60_000)))])).subarray(0, 30_000),
      "pack_archive_",
    ],
    ["no gzip", async () => new TextEncoder().encode("not a gzip at all"), "pack_archive_"],
    ["empty", async () => new Uint8Array(), "pack_archive_"],
    [
      "a symbolic link",
      async () => archive([SCHEMA, { header: { name: "l", size: 0, type: "symlink", linkname: "/etc/passwd" } }]),
      "pack_entry_not_a_file",
    ],
    [
      "a hard link",
      async () => archive([SCHEMA, { header: { name: "l", size: 0, type: "link", linkname: "schema.json" } }]),
      "pack_entry_not_a_file",
    ],
    ["a path that leaves it", async () => archive([SCHEMA, file("../evil")]), "pack_path_unsafe"],
    ["a path that leaves it in the middle", async () => archive([SCHEMA, file("a/../../evil")]), "pack_path_unsafe"],
    ["an absolute path", async () => archive([SCHEMA, file("/etc/evil")]), "pack_path_unsafe"],
    ["a backslash", async () => archive([SCHEMA, file("a\\b")]), "pack_path_unsafe"],
    [
      "two paths that differ in case only",
      async () => archive([SCHEMA, file("Docs/a"), file("docs/A")]),
      "pack_path_collision",
    ],
    ["one path twice", async () => archive([SCHEMA, file("a"), file("a", "y")]), "pack_path_twice"],
    [
      "too many files",
      async () => archive(Array.from({ length: 501 }, (_, n) => file(`f${n}`))),
      "pack_too_many_files",
    ],
    [
      "bytes that are no text",
      async () => archive([SCHEMA, file("a", new Uint8Array([0xff, 0xfe, 0x00]))]),
      "pack_file_not_text",
    ],
    ["no schema", async () => archive([file("a")]), "pack_schema_missing"],
    ["a schema that is none", async () => archive([file("schema.json", "[]")]), "schema_invalid"],
    [
      "a pattern that backtracks",
      async () =>
        archive([file("schema.json", '{"type":"object","properties":{"a":{"type":"string","pattern":"(a+)+(?=b)"}}}')]),
      "schema_invalid",
    ],
    [
      "two outputs of one name",
      async () => archive([SCHEMA, file("templates/a/x.txt.j2"), file("templates/b/x.txt.j2")]),
      "pack_output_twice",
    ],
    [
      "an output that would hide the manifest",
      async () => archive([SCHEMA, file("templates/manifest.json.j2")]),
      "pack_output_name",
    ],
  ])("%s is refused with its reason", async (_, make, code) => {
    const found = await codes(await make());
    expect(found.filter((one) => one.startsWith(code))).not.toEqual([]);
  });
});
