import { diffArrays } from "diff";
import { describe, expect, test } from "vitest";
import { prepareWith, valueAt } from "#core/decisions.ts";
import { isJsonObject, type Json, type JsonObject, pointerToken } from "#core/json.ts";
import { renderPack, type RenderedPack } from "#render/render-pack.ts";
import { linesOf } from "#render/trace/line-origins.ts";
import { namesDecision } from "#render/trace/provenance.ts";
import { type FixturePack, fixturePacks, inputOf } from "./fixture-packs.ts";

/** Every decision that the schema knows, with its subschema. */
function decisionsOf({ schema }: FixturePack): { pointer: string; node: JsonObject }[] {
  const found: { pointer: string; node: JsonObject }[] = [];
  const visit = (node: JsonObject, pointer: string): void => {
    for (const [key, child] of schema.properties(node)) {
      const folded = schema.folded(child);
      const below = `${pointer}/${pointerToken(key)}`;
      if (folded["type"] === "object") visit(folded, below);
      else found.push({ pointer: below, node: folded });
    }
  };
  visit(schema.folded(schema.root), "");
  return found;
}

/** Other values that a decision could have. */
function otherValues(node: JsonObject, value: Json | undefined): Json[] {
  if (Array.isArray(node["enum"])) return node["enum"].filter((option) => option !== value);
  if (node["type"] === "boolean") return [value !== true];
  if (node["type"] === "integer") return [(typeof value === "number" ? value : 8000) + 1];
  if (node["x-confman-secret-ref"] === true) return ["leger://another-secret"];
  if (node["type"] === "string")
    return [
      typeof value === "string" ? `${value}x` : "another",
      "another.example.org",
      "https://another.example.org",
      "192.0.2.7",
    ];
  if (node["type"] === "array" && isJsonObject(node["items"]) && Array.isArray(node["items"]["enum"])) {
    const options = node["items"]["enum"];
    return [[], options, options.slice(0, 1), options.slice(1)];
  }
  return [];
}

function withValue(config: JsonObject, pointer: string, value: Json): JsonObject {
  const copy = structuredClone(config);
  const keys = pointer.split("/").slice(1);
  let at: JsonObject = copy;
  for (const key of keys.slice(0, -1)) {
    const child = at[key];
    at = (at[key] = isJsonObject(child) ? child : {}) as JsonObject;
  }
  at[keys.at(-1) ?? ""] = value;
  return copy;
}

/** Lines that `from` has and `to` has not, as (file, index from 0). */
function goneLines(from: RenderedPack, to: RenderedPack): { filename: string; index: number }[] {
  return from.files.flatMap(({ filename, text }) => {
    const other = to.files.find((file) => file.filename === filename);
    const lines = linesOf(text);
    if (other === undefined) return lines.map((_, index) => ({ filename, index }));
    const gone: { filename: string; index: number }[] = [];
    if (other.text === text) return [];
    let index = 0;
    for (const part of diffArrays(lines, linesOf(other.text))) {
      if (part.added) continue;
      if (part.removed) for (let i = 0; i < part.value.length; i++) gone.push({ filename, index: index + i });
      index += part.value.length;
    }
    return gone;
  });
}

function unnamed(from: RenderedPack, to: RenderedPack, pointer: string): string[] {
  return goneLines(from, to)
    .filter(({ filename, index }) => {
      const line = from.provenance?.linesOf(filename)[index];
      return line === undefined || !namesDecision(line, pointer);
    })
    .map(({ filename, index }) => {
      const text = from.files.find((file) => file.filename === filename)?.text ?? "";
      return `${filename}:${index + 1} ${JSON.stringify(linesOf(text)[index])}`;
    });
}

const traced = (fixture: FixturePack, config: JsonObject): RenderedPack | null => {
  const prepared = prepareWith(fixture.schema, config);
  if (!prepared.ok) return null;
  const rendered = renderPack(fixture.compiled, inputOf(prepared.value, { provenance: true }));
  return rendered.ok ? rendered.value : null;
};

describe.each(fixturePacks())("provenance of $name", (fixture) => {
  test("never changes a byte", () => {
    for (const { prepared } of fixture.cases) {
      const plain = renderPack(fixture.compiled, inputOf(prepared));
      const withProvenance = renderPack(fixture.compiled, inputOf(prepared, { provenance: true }));
      expect(withProvenance.ok && withProvenance.value.files).toEqual(plain.ok && plain.value.files);
    }
  });

  test("names each decision on every line that it removes or adds", () => {
    const missing: string[] = [];
    let flips = 0;
    let changes = 0;
    for (const { name, config, prepared } of fixture.cases) {
      const before = traced(fixture, config);
      if (before === null) throw new Error(`${name} does not render`);
      for (const { pointer, node } of decisionsOf(fixture)) {
        for (const value of otherValues(node, valueAt(prepared.effective, pointer))) {
          const after = traced(fixture, withValue(config, pointer, value));
          if (after === null) continue;
          flips++;
          const lost = [...unnamed(before, after, pointer), ...unnamed(after, before, pointer)];
          if (goneLines(before, after).length > 0) changes++;
          if (lost.length > 0)
            missing.push(`${name} ${pointer} -> ${JSON.stringify(value)}: ${lost.slice(0, 4).join("; ")}`);
        }
      }
    }
    expect(missing).toEqual([]);
    // The property must have been put to the test: most flips render, and many change something.
    expect(flips).toBeGreaterThan(fixture.cases.length * 40);
    expect(changes).toBeGreaterThan(fixture.cases.length * 10);
  });

  test("names few decisions: at most four per line in the median", () => {
    const counts = fixture.cases.flatMap(({ config }) => {
      const provenance = traced(fixture, config)?.provenance;
      const lines = provenance?.filenames.flatMap((filename) => provenance.linesOf(filename)) ?? [];
      return lines.map(({ values, conditions }) => new Set([...values, ...conditions]).size);
    });
    const median = counts.toSorted((a, b) => a - b)[counts.length >> 1];
    expect(median).toBeLessThanOrEqual(4);
  });

  test("tells where in the templates each line with content is written", () => {
    const { config } = fixture.cases[0] ?? {};
    if (config === undefined) throw new Error("no case");
    const rendered = traced(fixture, config);
    for (const filename of rendered?.provenance?.filenames ?? []) {
      const lines = rendered?.provenance?.linesOf(filename) ?? [];
      const text = linesOf(rendered?.files.find((file) => file.filename === filename)?.text ?? "");
      lines.forEach((line, index) => {
        if (text[index]?.trim() === "") return;
        expect(line.places.length, `${filename}:${index + 1}`).toBeGreaterThan(0);
      });
    }
  });
});
