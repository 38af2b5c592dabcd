import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkUnits } from "#quadlet/check-units.ts";
import { parseUnit, printUnit } from "#quadlet/parse-unit.ts";
import { unitTypeOf } from "#quadlet/unit-names.ts";
import { dryRun, findGenerators, withFolder, writeBundle } from "../../tools/agree/generator.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const generators = findGenerators(ROOT);

/** Lines of every shape, in a section that generator and systemd leave alone, so that nothing but the grammar is tried. */
const line = fc.oneof(
  fc.constantFrom(
    "# note",
    "; note",
    "",
    "   ",
    "\\",
    " \\ ",
    "[X-Notes]",
    " [X-Notes] \t",
    "Key=",
    "Key = a  # b ",
    "K\\=x",
    "a b=c",
  ),
  fc
    .tuple(
      fc.constantFrom("Key", "Other", "Ke y"),
      fc.constantFrom("=", " = ", "=\t"),
      fc.string({ maxLength: 10 }),
      fc.constantFrom("", "\\", " \\", "\\ "),
    )
    .map((parts) => parts.join("")),
  fc.string({ maxLength: 8 }).map((text) => `Key=${text}\\`),
  fc.constantFrom("\u00a0Key=nbsp\u00a0", "Key=\u0085next\u0085", "Key=\u2003em\u2003", "Key=\ufefffeff"),
);
const source = fc.tuple(fc.array(line, { minLength: 1, maxLength: 10 }), fc.constantFrom("\n", "\r\n"), fc.boolean());

describe.skipIf(generators.length === 0)("the real generators read lines as we do", () => {
  test.each(generators.map((generator) => [generator.version, generator] as const))(
    "Podman %s",
    (_version, generator) => {
      const files = fc
        .sample(source, { numRuns: 1500, seed: 7 })
        .map(([lines, newline, isEnded], index) => {
          const text =
            ["[Container]", "Image=docker.io/x/y:1", "[X-Notes]", ...lines].join(newline) + (isEnded ? newline : "");
          return { filename: `u${index}.container`, text };
        })
        .filter(({ filename, text }) =>
          parseUnit(filename, text).nodes.every(
            (node) => node.type !== "invalid" || node.reason === "lost_continuation",
          ),
        );
      expect(files.length).toBeGreaterThan(500);
      withFolder((folder) => {
        writeBundle(folder, files);
        const run = dryRun(generator, folder);
        expect(run.problems).not.toContain("error loading");
        const services = new Map(
          run.services.split(/^---(?=u\d+\.service---$)/m).map((text) => [text.slice(0, text.indexOf(".")), text]),
        );
        for (const { filename, text } of files) {
          const written = services.get(filename.replace(".container", "")) ?? "";
          // The generator prints what it read: one Key=Value a line, up to the next section that is not ours.
          const notes = /^\[X-Notes\]\n([^]*?)(?=^\[(?:Unit|Service)\]$)/m.exec(written)?.[1] ?? "";
          const read = notes.split("\n").filter((one) => one.trim() !== "" && !/^[#;]/.test(one));
          const nodes = parseUnit(filename, text).nodes;
          const ours = nodes.flatMap((node) =>
            node.type === "assignment" && node.section === "X-Notes" ? [`${node.key}=${node.value}`] : [],
          );
          expect({ filename, text, lines: read }).toEqual({ filename, text, lines: ours });
        }
      });
    },
  );
});

test("every fixture and every expected render of the packs prints back byte for byte", () => {
  const roots = ["test-node/quadlet", "templates-fixtures"].map((folder) => path.join(ROOT, folder));
  const files = roots.flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(root, name))
      .filter((name) => unitTypeOf(name) !== null && statSync(name).isFile()),
  );
  expect(files.length).toBeGreaterThan(300);
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    expect(printUnit(parseUnit(path.basename(file), text))).toBe(text);
  }
});

test("the classic mistakes are all refused in one run, each at its line", () => {
  const files = [
    {
      filename: "web.container",
      text: "[Unit]\nRequires=stack.network.service\n\n[Container]\nImage=\nNetwork=stak.network\nVolume=data.volume:/data\n",
    },
    {
      filename: "db.container",
      text: "[Container]\nImage=docker.io/library/postgres:17\nPublishPorts=5432:5432\nEnvironment=POSTGRES_PASSWORD=hunter2\n",
    },
    { filename: "stack.network", text: "[Network]\n" },
  ];
  const found = checkUnits(files).map(
    ({ code, severity, place, action }) => `${severity} ${code} ${place?.file}:${place?.line} ${action}`,
  );
  expect(found).toEqual([
    "error key_unknown db.container:3 Did you mean PublishPort=?",
    "warning literal_secret db.container:4 Store it as a secret, and write Secret=NAME,type=env,target=POSTGRES_PASSWORD.",
    "warning unused_unit stack.network:1 Remove the file, or name it where it belongs.",
    "error dependency_name web.container:2 Write stack-network.service.",
    "error required_key web.container:5 Give Image= or Rootfs= a value; an empty one counts as missing.",
    "error reference_missing web.container:6 Did you mean stack.network?",
    "error reference_missing web.container:7 Add the file data.volume to the bundle, or drop the ending.",
  ]);
});
