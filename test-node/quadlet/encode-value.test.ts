import path from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeValue } from "#quadlet/encode-value.ts";
import { parseUnit } from "#quadlet/parse-unit.ts";
import type { KeyKind } from "#quadlet/quadlet-keys.ts";
import { splitWords } from "#quadlet/split-words.ts";
import { UnitView } from "#quadlet/unit-view.ts";
import { dryRun, findGenerators, withFolder, writeBundle } from "../../tools/agree/generator.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const generators = findGenerators(ROOT);

/** Text as people and attackers write it: quotes, escapes, line ends, specifiers, keys of their own. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\\",
        '"',
        "'",
        "\n",
        "\r",
        "\t",
        " ",
        "%",
        "$",
        "%h",
        "${HOME}",
        "=",
        "#",
        ";",
        "\u00a0",
        "\u0085",
        "\ufeff",
        "\n[Service]\nExecStartPre=/bin/evil\n",
      ),
      fc.string({ maxLength: 4 }),
      fc.string({ maxLength: 4, unit: "grapheme" }),
      fc.string({ maxLength: 3, unit: "binary" }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(""));

/** What systemd hands to the program after it has expanded the doubled characters. */
const expanded = (text: string) => text.replaceAll("%%", "%").replaceAll("$$", "$");

/** What Podman reads back from `Key=value` in a file. */
function readBack(kind: KeyKind, encoded: string): string[] {
  const unit = new UnitView([parseUnit("a.container", `[Container]\nKey=${encoded}\nNext=1\n`)], "5.4");
  expect(unit.keys("Container")).toEqual(["Key", "Next"]);
  if (kind === "string") return [expanded(unit.string("Container", "Key") ?? "")];
  return unit.words("Container", "Key", kind === "words" ? "words" : "args").map((word) => expanded(word.text));
}

describe("encodeValue", () => {
  test.each(["args", "words", "string"] as const)("what it writes for %s, we read back", (kind) => {
    let written = 0;
    fc.assert(
      fc.property(hostile, (text) => {
        const encoded = encodeValue(kind, text);
        if (!encoded.ok) return;
        written += 1;
        expect(readBack(kind, encoded.value)).toEqual([text]);
      }),
      { numRuns: 3000 },
    );
    expect(written).toBeGreaterThan(300);
  });

  test("args take everything but nothing, NUL and half a character", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const encoded = encodeValue("args", text);
        expect(encoded.ok).toBe(text !== "" && !text.includes("\0") && text.isWellFormed());
      }),
    );
  });

  test("a plain value is refused where it would be changed", () => {
    const refusals = ["", "a\nb", " a", 'a"', "a\\", "\ud800"].map((text) => encodeValue("string", text));
    expect(refusals.map((result) => (result.ok ? result.value : result.error))).toEqual([
      "empty",
      "control_character",
      "outer_space",
      "outer_quote",
      "trailing_backslash",
      "lone_surrogate",
    ]);
  });

  test("a value for systemd to expand keeps its specifiers", () => {
    expect(encodeValue("args", "%h/$NAME", { isExpanded: true })).toEqual({ ok: true, value: '"%h/$NAME"' });
    expect(encodeValue("args", "%h/$NAME")).toEqual({ ok: true, value: '"%%h/$$NAME"' });
  });
});

/** Keys of each kind, with the flag that the generator turns them into. */
const KEYS = [
  { kind: "keyval", key: "Environment", flag: "--env" },
  { kind: "args", key: "Secret", flag: "--secret" },
  { kind: "words", key: "Sysctl", flag: "--sysctl" },
  { kind: "string", key: "AddHost", flag: "--add-host" },
  { kind: "string", key: "HostName", flag: "--hostname" },
] as const;

describe.skipIf(generators.length === 0)("the real generators read what encodeValue writes", () => {
  test.each(generators.map((generator) => [generator.version, generator] as const))(
    "Podman %s",
    (_version, generator) => {
      const samples = fc.sample(hostile, { numRuns: 1200, seed: 42 });
      const units = samples.flatMap((sample, index) => {
        const { kind, key, flag } = KEYS[index % KEYS.length]!;
        const text = kind === "keyval" ? `K=${sample}` : sample;
        const encoded = encodeValue(kind, text);
        return encoded.ok ? [{ name: `u${index}`, text, flag, line: `${key}=${encoded.value}` }] : [];
      });
      expect(units.length).toBeGreaterThan(500);
      withFolder((folder) => {
        const files = units.map(({ name, line }) => ({
          filename: `${name}.container`,
          text: `[Container]\nImage=docker.io/x/y:1\n${line}\n`,
        }));
        writeBundle(folder, files);
        const run = dryRun(generator, folder);
        expect(run.problems.split("\n").filter((line) => line !== "" && !line.includes("Loading source"))).toEqual([]);
        const services = new Map(
          run.services.split(/^---(?=u\d+\.service---$)/m).map((text) => [text.slice(0, text.indexOf(".")), text]),
        );
        for (const { name, text, flag } of units) {
          const start = /^ExecStart=(.*)$/m.exec(services.get(name) ?? "")?.[1] ?? "";
          const words = splitWords(start, "args").words.map((word) => expanded(word.text));
          expect({ name, value: words[words.indexOf(flag) + 1] }).toEqual({ name, value: text });
        }
      });
    },
  );
});
