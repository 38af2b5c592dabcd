import type { Finding } from "#core/finding.ts";
import { type Json, type JsonObject, canonicalJson, cloneJson, sameJson } from "#core/json.ts";
import { dropEmptyGroups, pointerOfPath, read, take, write } from "#core/migration/decision-path.ts";
import type { Operation } from "#core/migration/migration.ts";

/** What one step of a migration could not do by itself. Without an entry it did everything. */
export type Obstacle = Finding;

/** Every path that an operation reads or writes. */
export function pathsOf(operation: Operation): string[] {
  switch (operation.op) {
    case "rename":
      return [operation.path, renamed(operation)];
    case "move":
      return [operation.path, operation.to];
    case "split":
      return [operation.path, ...new Set(operation.cases.flatMap(({ set }) => Object.keys(set)))];
    case "split-text":
      return [operation.path, ...operation.into];
    case "map":
    case "default":
    case "drop":
    case "require":
      return [operation.path];
  }
}

const renamed = ({ path, to }: { path: string; to: string }) => [...path.split(".").slice(0, -1), to].join(".");

type Sentences = { message: string; action: string };
const obstacle = (code: string, path: string, { message, action }: Sentences): Obstacle[] => [
  { code, severity: "error", message, action, decision: pointerOfPath(path) },
];

const inTheWay = (path: string) =>
  obstacle("migration_collision", path, {
    message: `\`${path}\` has a value already, which the migration would overwrite.`,
    action: "Remove one of the two values first.",
  });

function moveValue(data: JsonObject, from: string, to: string): Obstacle[] {
  if (read(data, from) === undefined) return [];
  if (read(data, to) !== undefined) return inTheWay(to);
  const value = take(data, from);
  return value === undefined || write(data, to, value) ? [] : inTheWay(to);
}

const sameValue = (a: Json | undefined, b: Json) => a !== undefined && sameJson(a, b);

/**
 * Maps a value. One that no pair names stays, unless it is also what another one becomes: then the way back could not tell the
 * two apart, and a migration that promises a way back stops.
 */
function mapValue(
  data: JsonObject,
  { path, values, lossy }: { path: string; values: [Json, Json][]; lossy: boolean },
): Obstacle[] {
  const value = read(data, path);
  if (value === undefined) return [];
  const pair = values.find(([from]) => sameValue(value, from));
  if (pair) return write(data, path, pair[1]) ? [] : inTheWay(path);
  if (lossy || !values.some(([, to]) => sameValue(value, to))) return [];
  const text = JSON.stringify(value);
  return obstacle("migration_ambiguous", path, {
    message: `\`${path}\` is ${text}, which is also what another value becomes: the way back would not know which it was.`,
    action: `Map ${text} too, or say "lossy": true.`,
  });
}

type Split = Extract<Operation, { op: "split" }>;

function splitUp(data: JsonObject, { path, cases }: Split): Obstacle[] {
  const value = read(data, path);
  if (value === undefined) return [];
  const found = cases.find((one) => sameValue(value, one.value));
  if (!found) {
    const known = cases.map((one) => JSON.stringify(one.value)).join(", ");
    const message = `\`${path}\` is ${JSON.stringify(value)}, for which the migration has no case (it has ${known}).`;
    return obstacle("migration_no_case", path, { message, action: "Set it to one of them first." });
  }
  const taken = Object.keys(found.set).find((target) => target !== path && read(data, target) !== undefined);
  if (taken !== undefined) return inTheWay(taken);
  take(data, path);
  return Object.entries(found.set).flatMap(([target, part]) => (write(data, target, part) ? [] : inTheWay(target)));
}

function splitDown(data: JsonObject, operation: Split): Obstacle[] {
  const { path, cases } = operation;
  const targets = pathsOf(operation).slice(1);
  const values = new Map(targets.map((target) => [target, read(data, target)]));
  if ([...values.values()].every((value) => value === undefined)) return [];
  const matching = cases.find((one) =>
    targets.every((target) => {
      const wanted = one.set[target];
      const value = values.get(target);
      return wanted === undefined ? value === undefined : sameValue(value, wanted);
    }),
  );
  if (!matching) {
    const shown = targets.filter((target) => values.get(target) !== undefined).join(", ");
    const message = `The values of ${shown} together have no counterpart in \`${path}\`.`;
    return obstacle("migration_no_case", path, {
      message,
      action: `Choose values that one of the former ones stands for.`,
    });
  }
  for (const target of targets) take(data, target);
  return write(data, path, matching.value) ? [] : inTheWay(path);
}

type SplitText = Extract<Operation, { op: "split-text" }>;

function splitTextUp(data: JsonObject, { path, separator, into }: SplitText): Obstacle[] {
  const value = read(data, path);
  if (value === undefined) return [];
  const parts = typeof value === "string" ? value.split(separator) : [];
  if (parts.length !== into.length) {
    const message = `\`${path}\` does not have ${into.length} parts with ${JSON.stringify(separator)} between them.`;
    return obstacle("migration_no_case", path, { message, action: "Correct the value first." });
  }
  const taken = into.find((target) => target !== path && read(data, target) !== undefined);
  if (taken !== undefined) return inTheWay(taken);
  take(data, path);
  return into.flatMap((target, index) => (write(data, target, parts[index] ?? "") ? [] : inTheWay(target)));
}

function splitTextDown(data: JsonObject, { path, separator, into }: SplitText): Obstacle[] {
  const values = into.map((target) => read(data, target));
  if (values.every((value) => value === undefined)) return [];
  const parts = values.filter((value) => typeof value === "string");
  if (parts.length !== into.length || parts.some((part) => part.includes(separator))) {
    const message = `${into.join(", ")} cannot be joined by ${JSON.stringify(separator)} into \`${path}\`.`;
    return obstacle("migration_no_case", path, { message, action: "Set all of them, or none." });
  }
  for (const target of into) take(data, target);
  return write(data, path, parts.join(separator)) ? [] : inTheWay(path);
}

/** Carries `data` one step forward, in place. */
export function applyUp(data: JsonObject, operation: Operation): Obstacle[] {
  for (const path of pathsOf(operation)) dropEmptyGroups(data, path);
  switch (operation.op) {
    case "rename":
      return moveValue(data, operation.path, renamed(operation));
    case "move":
      return moveValue(data, operation.path, operation.to);
    case "map":
      return mapValue(data, operation);
    case "default":
      if (read(data, operation.path) !== undefined) return [];
      return write(data, operation.path, cloneJson(operation.value)) ? [] : inTheWay(operation.path);
    case "split":
      return splitUp(data, operation);
    case "split-text":
      return splitTextUp(data, operation);
    case "drop":
      take(data, operation.path);
      return [];
    case "require":
      if (read(data, operation.path) !== undefined) return [];
      return obstacle("migration_input_missing", operation.path, {
        message: operation.message,
        action: `Give a value for ${operation.path}.`,
      });
  }
}

/** The inverse of `applyUp`. Where the way up was lossy, what was lost stays lost. */
export function applyDown(data: JsonObject, operation: Operation): Obstacle[] {
  for (const path of pathsOf(operation)) dropEmptyGroups(data, path);
  switch (operation.op) {
    case "rename":
      return moveValue(data, renamed(operation), operation.path);
    case "move":
      return moveValue(data, operation.to, operation.path);
    case "map": {
      const seen = new Set<string>();
      // of several values that became one, the first that the table names comes back
      const values = operation.values.flatMap(([from, to]): [Json, Json][] => {
        const key = canonicalJson(to);
        if (seen.has(key)) return [];
        seen.add(key);
        return [[to, from]];
      });
      return mapValue(data, { path: operation.path, values, lossy: operation.lossy });
    }
    case "default":
    case "require":
      take(data, operation.path);
      return [];
    case "split":
      return splitDown(data, operation);
    case "split-text":
      return splitTextDown(data, operation);
    case "drop":
      return [];
  }
}
