import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileDecisionSchema } from "#core/decision-schema.ts";
import { prepareWith, valueAt } from "#core/decisions.ts";
import type { Json, JsonObject } from "#core/json.ts";
import { type MatrixRow, pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { readReleases } from "../../tools/fixtures/fixture-release.ts";

const matrixOf = (schema: JsonObject) => {
  const compiled = compileDecisionSchema(schema);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const matrix = pairwiseMatrix(compiled.value);
  const effective = matrix.rows.map(({ configData }) => {
    const prepared = prepareWith(compiled.value, configData);
    if (!prepared.ok) throw new Error(JSON.stringify(prepared.error));
    return prepared.value.effective;
  });
  return { ...matrix, effective };
};

/** The oracle: every combination, by brute force; which pairs of values does any of them have? */
function pairsOf(rows: JsonObject[], pointers: string[]): Set<string> {
  const pairs = new Set<string>();
  for (const row of rows)
    for (const [index, a] of pointers.entries())
      for (const b of pointers.slice(index + 1)) {
        const [x, y] = [valueAt(row, a), valueAt(row, b)];
        if (x !== undefined && y !== undefined) pairs.add(`${a}=${JSON.stringify(x)} ${b}=${JSON.stringify(y)}`);
      }
  return pairs;
}

/** Schemas of four to six switches, some of which depend on others, chains and impossible ones included. */
const anySwitches = fc
  .array(fc.record({ isEnum: fc.boolean(), on: fc.option(fc.nat(5)), wants: fc.nat(3), twice: fc.boolean() }), {
    minLength: 4,
    maxLength: 6,
  })
  .map((switches) => {
    const properties: JsonObject = {};
    const values = switches.map(({ isEnum }): Json[] => (isEnum ? ["a", "b", "c"] : [false, true]));
    for (const [index, { isEnum, on, wants, twice }] of switches.entries()) {
      const rule =
        on !== null && on < index
          ? { [`s${on}`]: twice ? values[on]!.slice(0, 2) : (values[on]![wants] ?? "none") }
          : null;
      properties[`s${index}`] = {
        ...(isEnum ? { enum: values[index]!, default: "a" } : { type: "boolean", default: false }),
        ...(rule && { "x-depends-on": rule }),
      };
    }
    return { schema: { type: "object", properties } as JsonObject, values };
  });

describe("the pairwise matrix", () => {
  test("has every pair that any combination has, as brute force finds them", () => {
    let smaller = 0;
    fc.assert(
      fc.property(anySwitches, ({ schema, values }) => {
        let all: JsonObject[] = [{}];
        for (const [index, options] of values.entries())
          all = all.flatMap((row) => options.map((value) => ({ ...row, [`s${index}`]: value })));
        const compiled = compileDecisionSchema(schema);
        if (!compiled.ok) throw new Error("schema");
        const effective = all.flatMap((row) => {
          const prepared = prepareWith(compiled.value, row);
          return prepared.ok ? [prepared.value.effective] : [];
        });
        const pointers = values.map((_, index) => `/s${index}`);
        const matrix = matrixOf(schema);
        expect(pairsOf(matrix.effective, pointers)).toEqual(pairsOf(effective, pointers));
        expect([matrix.covered, matrix.excluded]).toEqual([matrix.pairs, 0]);
        smaller += Number(matrix.rows.length < all.length / 2);
      }),
      { numRuns: 400, seed: 3 },
    );
    expect(smaller).toBeGreaterThan(300);
  });

  test.each(readReleases().map((release) => [release.id, release] as const))(
    "of %s covers all its pairs in less than seventy rows, each a valid configuration, always the same",
    (_, { pack }) => {
      const [first, second] = [matrixOf(pack.schema), matrixOf(pack.schema)];
      expect(first.rows).toEqual(second.rows);
      expect(first.rows.length).toBeLessThan(70);
      expect([first.covered, first.excluded]).toEqual([first.pairs, 0]);
      expect(first.combinations).toBeGreaterThan(1e15);
    },
  );

  test("sets and leaves out what has no default, with a value that its pattern takes", () => {
    const { rows } = matrixOf({
      type: "object",
      properties: { on: { type: "boolean", default: false }, url: { type: "string", pattern: "^https://[a-z.]+$" } },
    });
    const seen = rows.map(({ configData }: MatrixRow) => JSON.stringify([configData["on"], configData["url"]]));
    const url = "https://example.com";
    // the first row is the empty configuration; the others say all that they can
    expect(new Set(seen)).toEqual(
      new Set([[], [false, url], [true, url], [false], [true]].map(([on, value]) => JSON.stringify([on, value]))),
    );
  });

  test("counts pairs that the schema's own conditions refuse, and goes on", () => {
    const enabled = { properties: { a: { const: true } }, required: ["a"] };
    const matrix = matrixOf({
      type: "object",
      properties: Object.fromEntries(["a", "b", "c"].map((key) => [key, { type: "boolean", default: false }])),
      not: { ...enabled, properties: { a: { const: true }, b: { const: true } } },
    });
    expect(matrix.excluded).toBe(1);
    expect(matrix.covered).toBe(matrix.pairs - 1);
  });

  test("of a schema with one decision or none is its values, or the empty configuration", () => {
    expect(matrixOf({ type: "object", properties: {} }).rows).toHaveLength(1);
    expect(
      matrixOf({ type: "object", properties: { a: { enum: [1, 2, 3] } } }).rows.map(({ configData }) => configData),
    ).toEqual(expect.arrayContaining([{}, { a: 1 }, { a: 2 }, { a: 3 }]));
  });
});
