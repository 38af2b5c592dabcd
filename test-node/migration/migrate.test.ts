import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "#core/json.ts";
import { migrate, migrationPath, renamesOf } from "#core/migration/migrate.ts";
import { type Migration, type Operation, parseMigrations } from "#core/migration/migration.ts";
import { compileDecisionSchema } from "#core/decision-schema.ts";
import { matrixFactors } from "#core/matrix/factors.ts";
import { read } from "#core/migration/decision-path.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { readReleases } from "../../tools/fixtures/fixture-release.ts";
import {
  type GeneratedSchema,
  anyConfiguration,
  anyOperations,
  anySchema,
  leavesAfter,
} from "./arbitrary-migration.ts";

const migration = (from: string, to: string, operations: Operation[]): Migration => ({
  from,
  to,
  summary: "",
  operations,
});
const up = (steps: Migration[]) => ({ direction: "up" as const, steps });
const down = (steps: Migration[]) => ({ direction: "down" as const, steps: steps.toReversed() });
const one = (operation: object, config: JsonObject) => {
  const parsed = parseMigrations([
    { file: "m.json", json: { from: "1", to: "2", operations: [operation as JsonObject] } },
  ]);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return { forth: migrate(up(parsed.value), config), back: (data: JsonObject) => migrate(down(parsed.value), data) };
};

describe("down(up(x)) = x", () => {
  test("for every migration that is not lossy, each of three upon what the one before it made", () => {
    const next = (leaves: GeneratedSchema["leaves"], version: number) =>
      anyOperations({ leaves, schema: {} }, version).map((operations) => ({
        operations,
        leaves: leavesAfter(leaves, operations),
      }));
    const scenario = anySchema.chain((generated) =>
      next(generated.leaves, 2).chain((first) =>
        next(first.leaves, 3).chain((second) =>
          fc.record({
            config: anyConfiguration(generated),
            chain: next(second.leaves, 4).map((third) => [first, second, third].map(({ operations }) => operations)),
          }),
        ),
      ),
    );
    let moved = 0;
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(scenario, ({ config, chain }) => {
        const steps = chain.map((operations, index) => migration(`^${index + 1}`, `^${index + 2}`, operations));
        const inputs = Object.fromEntries(chain.flat().map(({ path }) => [path, "given"]));
        const forth = migrate(up(steps), config, inputs);
        expect(forth.ok && forth.value.lost).toEqual([]);
        if (!forth.ok) return;
        for (const { op } of chain.flat()) seen.set(op, (seen.get(op) ?? 0) + 1);
        moved += Number(JSON.stringify(forth.value.configData) !== JSON.stringify(config));
        const back = migrate(down(steps), forth.value.configData);
        expect(back.ok && back.value.configData).toEqual(config);
      }),
      { numRuns: 1500, seed: 7 },
    );
    expect(moved).toBeGreaterThan(1200);
    const kinds = ["default", "map", "move", "rename", "require", "split", "split-text"]; // `drop` is always lossy
    expect(
      [...seen]
        .filter(([, count]) => count > 300)
        .map(([op]) => op)
        .toSorted(),
    ).toEqual(kinds);
  });

  test.each(["v1.0.0", "v1.1.0"])(
    "for our migration from %s to v2.0.0, but for what it says that it loses",
    (version) => {
      const releases = readReleases().map(({ pack }) => pack);
      const [older, newer] = [version, "v2.0.0"].map((tag) => releases.find((pack) => pack.version === tag)!);
      const schema = compileDecisionSchema(older!.schema);
      const migrations = packMigrations(newer!);
      if (!schema.ok || !migrations.ok) throw new Error("the fixtures do not compile");
      const all = migrations.value.map((one) => one.migration);
      const factors = matrixFactors(schema.value).filter(({ pointer }) => pointer !== "/networking/hostname");
      const leaves = factors.map(({ pointer, values }) => ({
        path: pointer.slice(1).replaceAll("/", "."),
        values: values.filter((value) => value !== null),
      }));
      const touched = new Set<string>();
      fc.assert(
        fc.property(anyConfiguration({ leaves, schema: {} }), fc.boolean(), (config, hasHost) => {
          const given = structuredClone(config);
          if (hasHost) given["networking"] = { ...(given["networking"] as JsonObject), hostname: "chat.home.arpa" };
          const forth = migrate(migrationPath(all, { from: version, to: "v2.0.0" }), given);
          if (!forth.ok) throw new Error(JSON.stringify(forth.error));
          expect(forth.value.lost.map(({ decision }) => decision)).toEqual(hasHost ? ["/networking/hostname"] : []);
          for (const { op, path } of all.flatMap(({ operations }) => operations))
            if (read(given, path) !== undefined) touched.add(`${op} ${path}`);
          const back = migrate(migrationPath(all, { from: "v2.0.0", to: version }), forth.value.configData);
          expect(back.ok && back.value.configData).toEqual(config);
        }),
        { numRuns: 300, seed: 7 },
      );
      const has = ({ path }: Operation) => path === "networking.hostname" || leaves.some((leaf) => leaf.path === path);
      const expected = all.flatMap(({ operations }) => operations.filter(has)).map(({ op, path }) => `${op} ${path}`);
      expect([...touched].toSorted()).toEqual(expected.toSorted());
      expect(expected.length).toBeGreaterThan(version === "v1.0.0" ? 3 : 5);
    },
  );

  test("and nothing that was given is changed", () => {
    const config = { a: { b: 1 } };
    one({ op: "move", path: "a.b", to: "c" }, config);
    expect(config).toEqual({ a: { b: 1 } });
  });
});

describe("an operation", () => {
  test("moves a value out of a group that is empty then, and back into one that it makes", () => {
    const { forth, back } = one({ op: "move", path: "a.b.c", to: "d.e" }, { a: { b: { c: 1 } }, d: {} });
    expect(forth).toMatchObject({ ok: true, value: { configData: { d: { e: 1 } } } });
    expect(back({ d: { e: 1 } })).toMatchObject({ ok: true, value: { configData: { a: { b: { c: 1 } } } } });
  });

  test("leaves what was never set alone, so that defaults stay defaults", () => {
    for (const operation of [
      { op: "rename", path: "a", to: "b" },
      { op: "map", path: "a", values: [["x", "y"]] },
      { op: "split", path: "a", cases: [{ value: "x", set: { b: 1 } }] },
      { op: "split-text", path: "a", separator: ":", into: ["b", "c"] },
      { op: "drop", path: "a", reason: "unused", lossy: true },
    ])
      expect(one(operation, { other: 1 }).forth).toMatchObject({
        ok: true,
        value: { configData: { other: 1 }, lost: [] },
      });
  });

  test.each<[string, object, JsonObject, string]>([
    ["a rename onto a value", { op: "rename", path: "a", to: "b" }, { a: 1, b: 2 }, "migration_collision"],
    ["a move below a value", { op: "move", path: "a", to: "b.c" }, { a: 1, b: 2 }, "migration_collision"],
    [
      "a value without a case",
      { op: "split", path: "a", cases: [{ value: "x", set: { b: 1 } }] },
      { a: "z" },
      "migration_no_case",
    ],
    [
      "a text with other parts",
      { op: "split-text", path: "a", separator: ":", into: ["b", "c"] },
      { a: "1:2:3" },
      "migration_no_case",
    ],
    ["a value that others become", { op: "map", path: "a", values: [["x", "y"]] }, { a: "y" }, "migration_ambiguous"],
    ["an input that nobody gave", { op: "require", path: "a", message: "Which?" }, {}, "migration_input_missing"],
  ])("refuses %s, and says where", (...[, operation, config, code]) => {
    expect(one(operation, config).forth).toMatchObject({
      ok: false,
      error: [{ code, decision: expect.stringMatching(/^\//) }],
    });
  });

  test("tells what a lossy one throws away, with the reason", () => {
    const { forth } = one({ op: "drop", path: "a", reason: "The engine is gone.", lossy: true }, { a: 1 });
    expect(forth).toMatchObject({ ok: true, value: { lost: [{ decision: "/a", reason: "The engine is gone." }] } });
    const merged = one(
      {
        op: "map",
        path: "a",
        lossy: true,
        values: [
          ["x", "z"],
          ["y", "z"],
        ],
      },
      { a: "y" },
    );
    expect(merged.forth).toMatchObject({ ok: true, value: { configData: { a: "z" }, lost: [{ decision: "/a" }] } });
  });

  test.each<[string, object]>([
    [
      "two values that become one, unless it says so",
      {
        op: "map",
        path: "a",
        values: [
          ["x", "z"],
          ["y", "z"],
        ],
      },
    ],
    [
      "one value with two meanings",
      {
        op: "map",
        path: "a",
        values: [
          ["x", "y"],
          ["x", "z"],
        ],
      },
    ],
    ["a drop that claims to lose nothing", { op: "drop", path: "a", reason: "r" }],
    ["a drop without a reason", { op: "drop", path: "a", lossy: true }],
    ["a word it does not know", { op: "rename", path: "a", to: "b", sure: true }],
    ["an empty path", { op: "rename", path: "", to: "b" }],
  ])("is refused when it has %s", (_, operation) => {
    const json = { from: "^1", to: "^2", operations: [operation as JsonObject] };
    expect(parseMigrations([{ file: "migrations/2.json", json }])).toMatchObject({
      ok: false,
      error: [{ code: "migration_invalid", place: { file: "migrations/2.json" } }],
    });
  });
});

describe("a path from version to version", () => {
  const steps = ["^1", "^2", "^3", "^4"].map((from, index) =>
    migration(from, `^${index + 2}`, [{ op: "rename", path: `k${index + 1}`, to: `k${index + 2}`, lossy: false }]),
  );

  test.each([
    ["v1.4.2", "v2.0.0", ["^1"], "up"],
    ["v1.0.0", "v4.1.0", ["^1", "^2", "^3"], "up"],
    ["v4.0.0", "v2.3.0", ["^3", "^2"], "down"],
    ["v2.0.0", "v2.9.0", [], "up"],
    ["v1.0.0", "v2.0.0-rc.1", ["^1"], "up"],
  ])("%s to %s", (...[from, to, expected, direction]) => {
    const all = to.includes("rc") ? [migration("^1", ">=2.0.0-0 <3", steps[0]!.operations)] : steps;
    const path = migrationPath(all, { from, to });
    expect([path.direction, path.steps.map((step) => step.from)]).toEqual([direction, expected]);
  });

  test("does not depend on the order of the files", () => {
    const paths = [steps, steps.toReversed()].map((all) => migrationPath(all, { from: "v1.0.0", to: "v5.0.0" }));
    expect(paths[0]).toEqual(paths[1]);
  });

  test("follows a decision through several names", () => {
    const path = migrationPath(steps, { from: "v1.0.0", to: "v3.0.0" });
    expect(renamesOf(path).get("k1")).toEqual(["k3"]);
  });
});
