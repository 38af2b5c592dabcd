import { createHash } from "node:crypto";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject, pointerToken } from "#core/json.ts";
import type { Finding } from "#core/finding.ts";
import { parseUnit } from "#quadlet/parse-unit.ts";
import { compilePack, type CompiledPack } from "#render/compile-pack.ts";
import { renderPack, type RenderedFile, type RenderInput } from "#render/render-pack.ts";
import { isUnitFile } from "#render/unit-file.ts";
import { dryRun, findGenerators, type Generator, withFolder, writeBundle } from "../../tools/agree/generator.ts";
import { fixturePacks, inputOf as fixtureInput } from "./fixture-packs.ts";
import { inputOf, makePack } from "./make-pack.ts";

/** Each would add a key, a section, a word or a comment, or swallow a line, where it is printed as it is. */
const HOSTILE = [
  "x\nExecStartPre=/bin/evil",
  "x\r\n[Service]\r\nExecStop=/bin/evil",
  "x\\",
  "x\\\nUser=0",
  'x" PodmanArgs=--privileged "',
  "x' y",
  '"',
  "%h/%n %%",
  "$HOME ${PATH} $$",
  "# comment",
  "; comment",
  "[Install]",
  "x]\n[Container]\nUser=0",
  "x\u2028ExecStop=/bin/evil",
  "x\u2029y\u0085z\u00a0",
  "x\u0000y\u0007\u001b[2J",
  "x --privileged",
  " x ",
  "\\x0aExecStop=/bin/evil\\n",
  "x,target=/etc:rw",
];
/** What decides the same branches as a hostile value does, and is harmless. */
const PLAIN = "plain-value";

const generators = findGenerators(path.resolve(import.meta.dirname, "../.."));
const parsed = new Map<string, readonly string[]>();

/** `[service] Section.Key` of all that the real generator made of the units, sorted: what it understood the template to say. */
function keysByGenerator(generator: Generator, files: readonly RenderedFile[]): readonly string[] {
  const units = files.filter(({ filename }) => isUnitFile(filename));
  const hash = createHash("sha256")
    .update(JSON.stringify([generator.version, units.map(({ text }) => text)]))
    .digest("hex");
  const known = parsed.get(hash);
  if (known !== undefined) return known;
  const keys = withFolder((folder) => {
    writeBundle(folder, units);
    const { services, problems } = dryRun(generator, folder);
    const [, ...parts] = services.split(/^---(.+?\.service)---$/m);
    const found = parts.flatMap((text, index) => (index % 2 === 0 ? [] : keysOf(parts[index - 1] ?? "", text)));
    return [...found, ...problems.split("\n").filter((line) => line.startsWith("converting"))].toSorted();
  });
  parsed.set(hash, keys);
  return keys;
}

const keysOf = (service: string, text: string): string[] =>
  parseUnit(service, text).nodes.flatMap((node) =>
    node.type === "assignment" ? [`[${service}] ${node.section}.${node.key}`] : [],
  );

/** The pointers of all texts among the decisions. */
function textsOf(at: Json, pointer = ""): string[] {
  if (typeof at === "string") return [pointer];
  if (Array.isArray(at)) return at.flatMap((item, index) => textsOf(item, `${pointer}/${index}`));
  if (!isJsonObject(at)) return [];
  return Object.entries(at).flatMap(([key, item]) => textsOf(item, `${pointer}/${pointerToken(key)}`));
}

function withText(decisions: JsonObject, pointer: string, value: string): JsonObject {
  const copy = structuredClone(decisions);
  const keys = pointer.split("/").slice(1);
  let at = copy as Record<string, Json>;
  for (const key of keys.slice(0, -1)) at = at[key] as Record<string, Json>;
  at[keys.at(-1) ?? ""] = value;
  return copy;
}

type Outcome = { refused: number; passed: number; escapes: string[]; unexplained: string[] };

/** Puts each hostile value into each text, behind the schema's back: what counts is what the engine and the generator do. */
function attack(compiled: CompiledPack, input: RenderInput, outcome: Outcome): void {
  for (const pointer of textsOf(input.decisions)) {
    const render = (value: string) =>
      renderPack(compiled, { ...input, decisions: withText(input.decisions, pointer, value) });
    const plain = render(PLAIN);
    for (const value of HOSTILE) {
      const rendered = render(value);
      if (!rendered.ok) {
        outcome.refused++;
        outcome.unexplained.push(...rendered.error.flatMap((finding) => missingOf(finding, pointer)));
        continue;
      }
      outcome.passed++;
      if (!plain.ok) continue; // the value decides what is rendered: there is nothing to compare with
      for (const generator of generators) {
        const understood = keysByGenerator(generator, rendered.value.files);
        if (JSON.stringify(understood) !== JSON.stringify(keysByGenerator(generator, plain.value.files)))
          outcome.escapes.push(`${pointer} ${JSON.stringify(value)} on Podman ${generator.version}`);
      }
    }
  }
}

/** A refusal says which decision and where. What is undefined because of the value may be another decision, or a fact of the pack. */
function missingOf({ code, place, decision, message }: Finding, pointer: string): string[] {
  const isAbout = decision !== undefined && (pointer === decision || pointer.startsWith(`${decision}/`));
  const isNamed = code === "undefined" ? decision !== undefined : isAbout;
  return isNamed && place !== undefined
    ? []
    : [`${code} ${pointer}: ${message} (${place?.file}:${place?.line}, ${decision})`];
}

const nothing = (): Outcome => ({ refused: 0, passed: 0, escapes: [], unexplained: [] });

describe.skipIf(generators.length === 0)(
  "hostile values leave every unit with the keys that its template wrote",
  () => {
    const packs = fixturePacks();
    const cases = packs.flatMap(({ name, compiled, cases: all }) =>
      all.map((one) => ({ name: `${name} ${one.name}`, compiled, prepared: one.prepared })),
    );

    test.each(cases)("in $name", ({ compiled, prepared }) => {
      const outcome = nothing();
      attack(compiled, fixtureInput(prepared), outcome);
      expect({ escapes: outcome.escapes, unexplained: outcome.unexplained }).toEqual({ escapes: [], unexplained: [] });
      expect(outcome.refused).toBeGreaterThan(10);
    });

    test("through every quoting filter, in keys of every kind", () => {
      const template = `[Unit]
Description={{ text | quadlet_text }}
[Container]
Image=docker.io/library/caddy:2.8
Environment={{ word | quadlet_env("WORD") }} {{ words | quadlet_env }} LAST=1
Label={{ word | quadlet_env("label") }}
Exec=run {{ word | quadlet_word }} --last
HostName={{ text | quadlet_text }}
PodmanArgs={{ word | quadlet_word }}
Volume=/srv/{{ word | systemd_escape }}:/data
[Service]
Restart=always
`;
      const compiled = compilePack(makePack({ "web.container": template }));
      if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
      const outcome = nothing();
      attack(compiled.value, inputOf({ text: "a", word: "b", words: { ONE: "c", TWO: "d" } }), outcome);
      expect({ escapes: outcome.escapes, unexplained: outcome.unexplained }).toEqual({ escapes: [], unexplained: [] });
      expect(outcome.passed).toBeGreaterThan(50);
    });
  },
);
