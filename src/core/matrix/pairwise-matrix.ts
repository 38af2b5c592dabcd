import type { DecisionSchema } from "#core/decision-schema.ts";
import { type PreparedDecisions, prepareWith } from "#core/decisions.ts";
import type { JsonObject } from "#core/json.ts";
import { type Factor, matrixFactors } from "#core/matrix/factors.ts";
import { PairSpace, indexOfMost, isPossible, narrow } from "#core/matrix/pairs.ts";

/** One configuration of a matrix, and what its schema makes of it. `name` is stable for one schema. */
export type MatrixRow = { name: string; configData: JsonObject; prepared: PreparedDecisions };

/**
 * Configurations in which every pair of values occurs that `x-depends-on` permits. `combinations` is what it would take to
 * try all of them; `excluded` counts pairs that the schema's own conditions refuse (`if`, `not` …) or that no row could be
 * found for: 0 says that the claim above holds without exception.
 */
export type PairwiseMatrix = {
  rows: MatrixRow[];
  factors: number;
  values: number;
  pairs: number;
  covered: number;
  excluded: number;
  combinations: number;
};

/** Beyond this the schema is a product catalogue; the report then says which pairs were left. */
export const MATRIX_ROWS_MAX = 400;

/**
 * Makes the matrix of a schema: greedy (one row after the other, each built around a pair that is still open and filled with
 * what covers most), deterministic, and without ever listing the combinations. The first row is the empty configuration.
 */
export function pairwiseMatrix(schema: DecisionSchema): PairwiseMatrix {
  const factors = matrixFactors(schema);
  const space = new PairSpace(factors);
  const rows: MatrixRow[] = [];
  const tried = (configData: JsonObject): Tried | null => {
    const prepared = prepareWith(schema, configData);
    return prepared.ok ? { configData, prepared: prepared.value } : null;
  };
  const add = (row: Tried) => rows.push({ name: `row-${rows.length + 1}`, ...row });
  const empty = tried({});
  if (empty) add(empty);
  let excluded = 0;
  while (space.left > 0 && rows.length < MATRIX_ROWS_MAX) {
    const seed = space.seed();
    if (seed === null) break;
    const full = buildRow(space, seed);
    for (const row of [full, minimalRow(space, seed)]) {
      const taken = tried(configOf(factors, row));
      if (taken && space.cover(idsOf(space, row)) > 0) add(taken);
      if (taken) break;
    }
    if (space.isOpen(...seed)) {
      space.strike(...seed);
      excluded++;
    }
  }
  if (space.total === 0)
    for (const configData of singles(factors, space)) {
      const taken = tried(configData);
      if (taken) add(taken);
    }
  const combinations = factors.reduce((product, { values }) => product * Math.max(1, values.length), 1);
  const covered = space.total - space.left - excluded;
  return { rows, factors: factors.length, values: space.size, pairs: space.total, covered, excluded, combinations };
}

type Tried = Pick<MatrixRow, "configData" | "prepared">;

/** A schema of one decision has no pairs: each of its values is a row. */
function singles(factors: readonly Factor[], space: PairSpace): JsonObject[] {
  return factors.flatMap(({ values }, factor) =>
    [...values.keys()].flatMap((value) => {
      if (space.requirement((space.offsets[factor] ?? 0) + value) === null) return [];
      const row = new Int32Array(factors.length).fill(-1);
      row[factor] = value;
      return [configOf(factors, row)];
    }),
  );
}

/** Per factor the index of its value; -1: it does not apply, or is left to its default. */
type Row = Int32Array;

const idsOf = (space: PairSpace, row: Row) =>
  [...row].flatMap((value, factor) => (value < 0 ? [] : [(space.offsets[factor] ?? 0) + value]));

/**
 * Fills a row around a pair: again and again the value that still fits and has most open pairs with what is chosen, those with
 * more open pairs elsewhere first. A value that depends on others narrows them, so dependents pull their conditions along.
 */
function buildRow(space: PairSpace, seed: readonly [number, number]): Row {
  const row: Row = new Int32Array(space.factors.length).fill(-1);
  const domains = space.anything();
  const gain = new Int32Array(space.size);
  const fix = (id: number): void => {
    narrow(domains, space.requirement(id) ?? []);
    row[space.factorOf[id] ?? 0] = space.valueOf(id);
    for (let other = 0; other < space.size; other++) if (space.isOpen(id, other)) gain[other] = (gain[other] ?? 0) + 1;
  };
  const fits = (id: number): boolean => {
    const needed = space.requirement(id);
    return row[space.factorOf[id] ?? 0] === -1 && needed !== null && isPossible(domains, needed);
  };
  for (const id of seed) fix(id);
  for (;;) {
    const next = indexOfMost(space.size, (id) =>
      fits(id) ? 1 + (gain[id] ?? 0) * (space.size + 1) + (space.open[id] ?? 0) : 0,
    );
    if (next < 0) return row;
    fix(next);
  }
}

/** The seed with what it brings along, and nothing else: for schemas whose conditions refuse the full row. */
function minimalRow(space: PairSpace, seed: readonly [number, number]): Row {
  const domains = space.anything();
  for (const id of seed) narrow(domains, space.requirement(id) ?? []);
  return domains.map((mask) => (mask === -1 ? -1 : 31 - Math.clz32(mask & -mask)));
}

function configOf(factors: readonly Factor[], row: Row): JsonObject {
  const config: JsonObject = {};
  for (const [factor, value] of row.entries()) {
    const decision = factors[factor];
    const chosen = decision?.values[value];
    if (decision === undefined || value < 0 || chosen === null || chosen === undefined) continue;
    const keys = decision.pointer
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    let group = config;
    for (const key of keys) group = (group[key] ??= {}) as JsonObject;
    group[last] = structuredClone(chosen);
  }
  return config;
}
