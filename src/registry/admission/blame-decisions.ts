import { type Json, type JsonObject, isJsonObject, pointerToken } from "#core/json.ts";

/**
 * The smallest set of decisions, one or two, whose values all faulty rows have and no other row has, in words; null where there is
 * none. Only decisions that `isRead` are asked: with dozens of them and few rows, others would fit by chance.
 */
export function blameDecisions(
  rows: readonly JsonObject[],
  { faulty, isRead }: { faulty: ReadonlySet<number>; isRead: (path: string) => boolean },
): string | null {
  const values = rows.map((row) => new Map(leaves(row, "")));
  const first = values[[...faulty][0] ?? 0];
  if (!first) return null;
  const common = [...first].filter(
    ([path, value]) => isRead(path) && [...faulty].every((index) => values[index]?.get(path) === value),
  );
  const good = values.filter((_, index) => !faulty.has(index));
  const unique = common.filter(([path, value]) => !good.every((row) => row.get(path) === value));
  const single = unique.find(([path, value]) => good.every((row) => row.get(path) !== value));
  if (single) return worded([single]);
  const pairs = unique.flatMap((one, index) => unique.slice(index + 1).map((other) => [one, other]));
  const fitting = pairs.filter((pair) => good.every((row) => pair.some(([path, value]) => row.get(path) !== value)));
  if (fitting.length === 0) return null;
  return fitting.slice(0, PAIRS_SHOWN_MAX).map(worded).join(", or with ");
}

/** A small matrix cannot tell some pairs apart: it names those that fit. */
const PAIRS_SHOWN_MAX = 3;

const worded = (pair: readonly (readonly [string, string])[]) =>
  pair.map(([path, value]) => `${path} = ${value}`).join(" and ");

function leaves(value: Json, path: string): [string, string][] {
  if (isJsonObject(value) && Object.keys(value).length > 0)
    return Object.entries(value).flatMap(([key, child]) =>
      leaves(child, path === "" ? key : `${path}.${pointerToken(key)}`),
    );
  return [[path, JSON.stringify(value)]];
}
