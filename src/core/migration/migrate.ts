import semver from "semver";
import type { Finding } from "#core/finding.ts";
import { type JsonObject, canonicalJson, cloneJson } from "#core/json.ts";
import { applyDown, applyUp } from "#core/migration/apply-operation.ts";
import { pointerOfPath, read } from "#core/migration/decision-path.ts";
import type { Migration, Operation } from "#core/migration/migration.ts";
import { type Result, err, ok } from "#core/result.ts";

/** The migrations between two versions, in the order in which to apply them. `down`: each one backwards. */
export type MigrationPath = { direction: "up" | "down"; steps: Migration[] };

/**
 * What a migration made of one configuration. `lost` names what the way back will not bring, by JSON Pointer into what was given;
 * `cameFrom` says of a path in the result which one it had there, where it is another.
 */
export type Migrated = {
  configData: JsonObject;
  lost: { decision: string; reason: string }[];
  cameFrom: ReadonlyMap<string, string>;
};

const within = (version: string, range: string) => semver.satisfies(version, range, { includePrerelease: true });

/**
 * The chain from one version to another. The newer pack holds all of it, so that a version can be left behind by years. Where two
 * migrations apply at once, the nearer goal comes first; no migration at all is a chain of none.
 */
export function migrationPath(migrations: readonly Migration[], of: { from: string; to: string }): MigrationPath {
  const isDown = semver.lt(of.to, of.from);
  const [low, high] = isDown ? [of.to, of.from] : [of.from, of.to];
  const steps: Migration[] = [];
  let at = low;
  for (let guard = 0; guard < migrations.length; guard++) {
    const next = migrations
      .filter(({ from, to }) => within(at, from) && !within(at, to) && goalOf(to, high) !== null)
      .toSorted((a, b) => semver.compare(goalOf(a.to, high) ?? high, goalOf(b.to, high) ?? high))[0];
    const goal = next && goalOf(next.to, high);
    if (!next || !goal || semver.lte(goal, at)) break;
    steps.push(next);
    at = goal;
  }
  return { direction: isDown ? "down" : "up", steps: isDown ? steps.reverse() : steps };
}

/** Where a migration arrives on the way to `target`: there, or at the first version of its range below it. */
function goalOf(range: string, target: string): string | null {
  if (within(target, range)) return target;
  const first = semver.minVersion(range)?.version ?? null;
  return first !== null && semver.lte(first, target) ? first : null;
}

/**
 * Carries `config_data` along a path; `inputs` are values by path that a person gave for what cannot be derived. Refuses with
 * everything that stands in the way, and never changes what it was given.
 */
export function migrate(
  path: MigrationPath,
  configData: JsonObject,
  inputs: JsonObject = {},
): Result<Migrated, Finding[]> {
  const data = cloneJson(configData);
  const obstacles: Finding[] = [];
  const lost: Migrated["lost"] = [];
  const cameFrom = new Map<string, string>();
  const lose = (losses: Migrated["lost"]) =>
    lost.push(...losses.map(({ decision, reason }) => ({ decision: originOf(cameFrom, decision), reason })));
  for (const { operations } of path.steps) {
    for (const operation of path.direction === "up" ? operations : operations.toReversed()) {
      if (path.direction === "up") {
        provideInput(data, operation, inputs);
        lose(lossUp(data, operation));
        noteMove(cameFrom, data, { from: [operation.path], to: targetsOf(operation) ?? [] });
        obstacles.push(...applyUp(data, operation));
      } else {
        lose(lossDown(data, operation));
        noteMove(cameFrom, data, { from: targetsOf(operation) ?? [], to: [operation.path] });
        obstacles.push(...applyDown(data, operation));
      }
    }
  }
  return obstacles.length > 0 ? err(obstacles) : ok({ configData: data, lost, cameFrom });
}

function noteMove(cameFrom: Map<string, string>, data: JsonObject, { from, to }: { from: string[]; to: string[] }) {
  const source = from.find((path) => read(data, path) !== undefined);
  if (source === undefined) return;
  const origin = cameFrom.get(source) ?? source;
  for (const path of to) cameFrom.set(path, origin);
}

/** Where a decision stood before it was migrated, by JSON Pointer; what lies in something that moved has moved with it. */
export function originOf(cameFrom: Migrated["cameFrom"], decision: string): string {
  for (const [path, origin] of cameFrom) {
    const pointer = pointerOfPath(path);
    if (decision === pointer || decision.startsWith(`${pointer}/`))
      return pointerOfPath(origin) + decision.slice(pointer.length);
  }
  return decision;
}

/** A value by `path` (dotted, as a flat key) stands in for what the migration cannot know. */
function provideInput(data: JsonObject, operation: Operation, inputs: JsonObject): void {
  if (operation.op !== "require" || !Object.hasOwn(inputs, operation.path)) return;
  const value = inputs[operation.path];
  if (value !== undefined) applyUp(data, { op: "default", path: operation.path, value, lossy: false });
}

/** What the way up throws away, judged by going there and back. */
function lossUp(data: JsonObject, operation: Operation): Migrated["lost"] {
  if (!operation.lossy || read(data, operation.path) === undefined) return [];
  if (operation.op === "drop") return [{ decision: pointerOfPath(operation.path), reason: operation.reason }];
  const back = cloneJson(data);
  applyUp(back, operation);
  applyDown(back, operation);
  const isKept =
    canonicalJson(read(back, operation.path) ?? null) === canonicalJson(read(data, operation.path) ?? null);
  return isKept
    ? []
    : [{ decision: pointerOfPath(operation.path), reason: "its value becomes one that others have too" }];
}

/** What a version that is gone back to does not know. */
function lossDown(data: JsonObject, operation: Operation): Migrated["lost"] {
  const isOfTheNew = operation.op === "require" || operation.op === "default";
  if (!isOfTheNew || read(data, operation.path) === undefined) return [];
  if (
    operation.op === "default" &&
    canonicalJson(read(data, operation.path) ?? null) === canonicalJson(operation.value)
  )
    return [];
  return [{ decision: pointerOfPath(operation.path), reason: "the older version does not have this decision" }];
}

/** Decisions that a path carries elsewhere: old path to new path, for whoever compares two schemas. */
export function renamesOf(path: MigrationPath): Map<string, string[]> {
  const renames = new Map<string, string[]>();
  for (const { operations } of path.steps)
    for (const operation of operations) {
      const targets = targetsOf(operation);
      if (targets === null) continue;
      for (const [from, to] of renames)
        if (to.includes(operation.path)) renames.set(from, [...to.filter((one) => one !== operation.path), ...targets]);
      renames.set(operation.path, targets);
    }
  return renames;
}

function targetsOf(operation: Operation): string[] | null {
  switch (operation.op) {
    case "rename":
      return [[...operation.path.split(".").slice(0, -1), operation.to].join(".")];
    case "move":
      return [operation.to];
    case "split":
      return [...new Set(operation.cases.flatMap(({ set }) => Object.keys(set)))];
    case "split-text":
      return operation.into;
    case "drop":
      return [];
    case "map":
    case "default":
    case "require":
      return null;
  }
}
