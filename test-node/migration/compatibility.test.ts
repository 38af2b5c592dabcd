import { describe, expect, test } from "vitest";
import { isAutomatic, judgeCompatibility, promisedLevel } from "#core/compatibility/compatibility.ts";
import { schemaChanges } from "#core/compatibility/schema-changes.ts";
import { compileDecisionSchema } from "#core/decision-schema.ts";
import type { JsonObject } from "#core/json.ts";
import { readReleases } from "../../tools/fixtures/fixture-release.ts";

const compiled = (schema: JsonObject) => {
  const result = compileDecisionSchema(schema);
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};
const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: "object", properties, ...more });
const between = (older: JsonObject, newer: JsonObject, renames: [string, string[]][] = []) =>
  schemaChanges({ older: compiled(older), newer: compiled(newer), renames: new Map(renames) });
const codes = (changes: ReturnType<typeof between>) =>
  changes.map(({ code, level, decision }) => `${code} ${level} ${decision}`);

const on = { type: "boolean", default: false };
const text = (more: JsonObject = {}): JsonObject => ({ type: "string", default: "a", ...more });

describe("a change of one decision", () => {
  test.each<[string, JsonObject, JsonObject, string[]]>([
    ["is new, with a default", {}, { a: on }, ["added minor /a"]],
    ["is new, and may be left out", {}, { a: { type: "string" } }, ["added minor /a"]],
    ["is gone", { a: on }, {}, ["removed major /a"]],
    ["is of another type", { a: on }, { a: { type: "string" } }, ["retyped major /a"]],
    ["takes more types", { a: { type: "integer" } }, { a: { type: ["integer", "string"] } }, ["widened minor /a"]],
    ["takes any number", { a: { type: "integer" } }, { a: { type: "number" } }, ["widened minor /a"]],
    ["loses a value", { a: { enum: ["x", "y"] } }, { a: { enum: ["x"] } }, ["narrowed major /a"]],
    ["gains a value", { a: { enum: ["x"] } }, { a: { enum: ["x", "y"] } }, ["widened minor /a"]],
    ["must be longer", { a: text() }, { a: text({ minLength: 2 }) }, ["narrowed major /a"]],
    ["may be longer", { a: text({ maxLength: 2 }) }, { a: text({ maxLength: 3 }) }, ["widened minor /a"]],
    ["has another pattern", { a: text({ pattern: "a" }) }, { a: text({ pattern: "b" }) }, ["narrowed major /a"]],
    ["has no pattern any more", { a: text({ pattern: "a" }) }, { a: text() }, ["widened minor /a"]],
    ["has another default", { a: text() }, { a: text({ default: "b" }) }, ["default_changed minor /a"]],
    ["has no default any more", { a: text() }, { a: { type: "string" } }, ["default_changed major /a"]],
    ["can be set once", { a: text() }, { a: text({ "x-confman-immutable": true }) }, ["became_immutable major /a"]],
    ["takes references only", { a: text() }, { a: text({ "x-confman-secret-ref": true }) }, ["became_secret major /a"]],
    ["is deprecated", { a: text() }, { a: text({ "x-confman-deprecated": "Use b." }) }, ["deprecated minor /a"]],
    ["is described anew", { a: text() }, { a: text({ title: "A" }) }, ["described patch /a"]],
    [
      "has narrower entries",
      { a: { type: "array", items: { type: "string" } } },
      { a: { type: "array", items: { enum: ["x"] } } },
      ["narrowed major /a"],
    ],
    [
      "is closed",
      { a: { type: "object", additionalProperties: true } },
      { a: { type: "object" } },
      ["narrowed major /a"],
    ],
    [
      "is equal, in another order",
      { a: text({ title: "A" }) },
      { a: { title: "A", default: "a", type: "string" } },
      [],
    ],
  ])("that %s", (...[, before, after, expected]) => {
    expect(codes(between(object(before), object(after)))).toEqual(expected);
  });

  test("that must be set now", () => {
    const required = (keys: string[]) => object({ a: { type: "string" } }, { required: keys });
    expect(codes(between(required([]), required(["a"])))).toEqual(["became_required major /a"]);
    expect(codes(between(object({}), required(["a"])))).toEqual(["added_required major /a"]);
  });

  test("that applies less often, or more often", () => {
    const when = (rule: JsonObject) => object({ a: text({ enum: ["a", "b"] }), b: { ...on, "x-depends-on": rule } });
    expect(codes(between(when({ a: ["a", "b"] }), when({ a: "a" })))).toEqual(["condition_narrowed major /b"]);
    expect(codes(between(when({ a: "a" }), when({ a: ["a", "b"] })))).toEqual(["condition_widened minor /b"]);
  });

  test("that a migration carries elsewhere is renamed, and compared where it arrives", () => {
    const [older, newer] = [object({ g: object({ a: text() }) }), object({ b: text({ maxLength: 9 }) })];
    expect(codes(between(older, newer, [["g.a", ["b"]]]))).toEqual(["renamed major /g/a", "narrowed major /b"]);
    expect(codes(between(older, newer))).toEqual(["removed major /g", "added minor /b"]);
  });
});

describe("our releases", () => {
  test("v1.1.0 adds to v1.0.0 and takes nothing away", () => {
    const [older, newer] = ["leger/v1.0.0", "leger/v1.1.0"].map(
      (id) => readReleases().find((release) => release.id === id)!.pack.schema,
    );
    const levels = new Set(between(older!, newer!).map(({ level }) => level));
    expect([...levels].toSorted()).toEqual(["minor", "patch"]);
  });
});

describe("the judgement", () => {
  const renders = {
    rows: 4,
    identical: 4,
    changed: 0,
    restart: 0,
    recreate: 0,
    data_risk: 0,
    needs_input: 0,
    refused: 0,
  };
  const facts = { from: "v1.0.0", to: "v1.0.1", changes: [], renders, risks: [], inputs: [], hasMigration: false };
  const change = (level: "major" | "minor") => ({ code: "x", decision: "/a", level, message: "" });

  test.each([
    ["nothing", {}, { class: "identical", deserved: "patch", is_overpromising: false }, true],
    [
      "a new decision in a patch",
      { changes: [change("minor")] },
      { class: "compatible", deserved: "minor", is_overpromising: true },
      false,
    ],
    [
      "a new decision in a minor",
      { to: "v1.1.0", changes: [change("minor")] },
      { class: "compatible", is_overpromising: false },
      true,
    ],
    [
      "a removal in a minor",
      { to: "v1.1.0", changes: [change("major")] },
      { class: "breaking", is_overpromising: true },
      false,
    ],
    [
      "a migrated rename in a major",
      { to: "v2.0.0", changes: [change("major")], hasMigration: true },
      { class: "migrates", is_overpromising: false },
      false,
    ],
    [
      "a lost volume in a minor",
      { to: "v1.1.0", renders: { ...renders, data_risk: 1 } },
      { effect: "data_risk", deserved: "major", is_overpromising: true },
      false,
    ],
    [
      "a restart in a patch",
      { renders: { ...renders, restart: 1 } },
      { class: "compatible", effect: "restart", deserved: "patch" },
      true,
    ],
    [
      "a row that is refused",
      { to: "v1.1.0", renders: { ...renders, refused: 1 } },
      { class: "breaking", is_overpromising: true },
      false,
    ],
  ])("of %s", (...[, given, expected, automatic]) => {
    const judged = judgeCompatibility({ ...facts, ...given });
    expect(judged).toMatchObject(expected);
    expect(isAutomatic(judged)).toBe(automatic);
  });

  test.each([
    ["v1.0.0", "v1.0.1", "patch"],
    ["v1.0.0", "v1.2.0", "minor"],
    ["v1.0.0", "v2.0.0", "major"],
    ["v0.1.0", "v0.2.0", "major"],
    ["v0.1.0", "v0.1.1", "minor"],
  ])("%s to %s promises a %s change", (from, to, level) => expect(promisedLevel(from, to)).toBe(level));
});
