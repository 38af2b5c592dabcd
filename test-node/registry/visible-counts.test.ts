import { describe, expect, test } from "vitest";
import { ImpactClass, type ImpactCounts, OTHERS_MIN, noCounts, visibleCounts } from "#core/impact.ts";

const CLASSES = ImpactClass.options;
const countsOf = (values: readonly number[]) =>
  Object.fromEntries(CLASSES.map((kind, at) => [kind, values[at] ?? 0])) as ImpactCounts;

/**
 * Every way to fill five of the classes with 0 to 9 configurations, each of a workspace of its own: the least that can stand behind
 * them. Told are those up to 6, whose alternatives are all here.
 */
function* everyCount(most: number): Generator<number[]> {
  const base = most + 1;
  for (let code = 0; code < base ** 5; code++) {
    const [a, b, c, d, e] = [0, 1, 2, 3, 4].map((at) => Math.floor(code / base ** at) % base);
    yield [a ?? 0, b ?? 0, c ?? 0, 0, d ?? 0, e ?? 0];
  }
}

describe("what others see of counts", () => {
  test("no small group can be told, even by who knows how many there are in all", () => {
    /** By what an observer knows (the view, and the total): for each class the values that it may have. */
    const possible = new Map<string, Set<number>[]>();
    const known = (values: number[]) => {
      const view = Object.values(visibleCounts(countsOf(values), { workspaces: countsOf(values), own: noCounts() }));
      return JSON.stringify([view, values.reduce((sum, value) => sum + value, 0)]);
    };
    for (const values of everyCount(9)) {
      const key = known(values);
      const sets = possible.get(key) ?? CLASSES.map(() => new Set<number>());
      values.forEach((value, at) => sets[at]?.add(value));
      possible.set(key, sets);
    }
    const told: number[][] = [];
    for (const values of everyCount(6)) {
      const sets = possible.get(known(values));
      if (values.some((value, at) => value > 0 && value < OTHERS_MIN && sets?.[at]?.size === 1)) told.push(values);
    }
    expect(told.slice(0, 5)).toEqual([]);
  });

  test("one's own configurations are no others, and five of one neighbour are that neighbour", () => {
    const five = countsOf([5, 0, 0, 0, 0, 0]);
    const see = (counts: ImpactCounts, workspaces: ImpactCounts, own = noCounts()) =>
      visibleCounts(counts, { workspaces, own }).identical;
    expect(see(five, five)).toBe(5);
    expect(see(five, countsOf([1]))).toBeNull();
    expect(see(five, five, countsOf([1]))).toBeNull();
    expect(see(countsOf([6]), countsOf([6]), countsOf([1]))).toBe(6);
  });

  test("groups of five others are shown, unless they give a smaller one away", () => {
    const see = (...values: number[]) =>
      Object.values(visibleCounts(countsOf(values), { workspaces: countsOf(values), own: noCounts() }));
    expect(see(40, 12, 5)).toEqual([40, 12, 5, null, null, null]);
    expect(see(40, 12, 5, 0, 0, 1)).toEqual([40, null, 5, null, null, null]);
    expect(see(40, 5, 5, 0, 0, 1)).toEqual([null, null, null, null, null, null]);
    expect(see(40, 0, 0, 0, 0, 1)).toEqual([null, null, null, null, null, null]);
    expect(see(40)).toEqual([40, null, null, null, null, null]);
  });
});
