import type { DecisionSchema } from "#core/decision-schema.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject, pointerToken } from "#core/json.ts";
import type { SchemaChange } from "#core/compatibility/schema-change.ts";
import { keywordChanges } from "#core/compatibility/keyword-changes.ts";

export type Comparison = {
  older: DecisionSchema;
  newer: DecisionSchema;
  /** Old path to new ones, by the release's migration (`renamesOf`). */
  renames?: ReadonlyMap<string, readonly string[]>;
};

/** Computed from the schemas alone: what an author would declare can be wrong, with data loss downstream. */
export function schemaChanges({ older, newer, renames = new Map() }: Comparison): SchemaChange[] {
  const [before, after] = [decisionsOf(older), decisionsOf(newer)];
  const changes: SchemaChange[] = [];
  const arrived = new Set<string>();
  for (const [pointer, old] of before) {
    const moved = renames.get(old.path);
    const kept = after.get(pointer);
    if (moved !== undefined && moved.length > 0 && !(moved.length === 1 && moved[0] === old.path)) {
      for (const path of moved) arrived.add(pointerOf(path));
      const text = `\`${old.path}\` became ${moved.map((path) => `\`${path}\``).join(" and ")}; a migration carries its value.`;
      changes.push({ code: "renamed", decision: pointer, level: "major", message: text });
      const target = after.get(pointerOf(moved[0] ?? ""));
      if (moved.length === 1 && target)
        changes.push(...compareDecision(withRules(old, renames), target, pointerOf(moved[0] ?? "")));
    } else if (kept === undefined) {
      if (!isWithinRemoved(pointer, { before, after, renames }))
        changes.push({ code: "removed", decision: pointer, level: "major", message: `\`${old.path}\` is gone.` });
    } else changes.push(...compareDecision(withRules(old, renames), kept, pointer));
  }
  for (const [pointer, added] of after)
    if (!before.has(pointer) && !arrived.has(pointer)) changes.push(...addition(pointer, added));
  return changes;
}

/** What a decision depends on, under the names that these have in the newer schema. */
const withRules = (decision: Decision, renames: ReadonlyMap<string, readonly string[]>): Decision => ({
  ...decision,
  rules: new Map([...decision.rules].map(([path, values]) => [renames.get(path)?.[0] ?? path, values])),
});

const pointerOf = (path: string) => `/${path.split(".").map(pointerToken).join("/")}`;

type Decision = {
  path: string;
  node: JsonObject;
  isGroup: boolean;
  isRequired: boolean;
  /** Own rule and those of the groups around it, by path. */
  rules: ReadonlyMap<string, readonly Json[]>;
};

/** A group that went takes its members along: they are not named one by one. */
function isWithinRemoved(
  pointer: string,
  {
    before,
    after,
    renames,
  }: {
    before: ReadonlyMap<string, Decision>;
    after: ReadonlyMap<string, Decision>;
    renames: ReadonlyMap<string, readonly string[]>;
  },
): boolean {
  const parent = pointer.slice(0, pointer.lastIndexOf("/"));
  const group = before.get(parent);
  if (group === undefined) return isEmptied(pointer, { before, renames });
  return (after.get(parent) === undefined && !renames.has(group.path)) || isEmptied(pointer, { before, renames });
}

/** A group whose members a migration carries elsewhere has not lost anything. */
function isEmptied(
  pointer: string,
  { before, renames }: { before: ReadonlyMap<string, Decision>; renames: ReadonlyMap<string, readonly string[]> },
): boolean {
  const group = before.get(pointer);
  if (!group?.isGroup) return false;
  const members = [...before].filter(([below, { isGroup }]) => !isGroup && below.startsWith(`${pointer}/`));
  return members.every(([, { path }]) => renames.has(path));
}

function addition(pointer: string, { path, node, isRequired, isGroup }: Decision): SchemaChange[] {
  if (isGroup && !isRequired) return [];
  const needsInput = isRequired && node["default"] === undefined && !isGroup;
  return [
    needsInput
      ? {
          code: "added_required",
          decision: pointer,
          level: "major",
          message: `\`${path}\` is new and must be set: it has no default.`,
        }
      : { code: "added", decision: pointer, level: "minor", message: `\`${path}\` is new.` },
  ];
}

function compareDecision(old: Decision, next: Decision, pointer: string): SchemaChange[] {
  const at = { pointer, path: next.path };
  const changes = keywordChanges(old.node, next.node, at);
  if (next.isRequired && !old.isRequired && next.node["default"] === undefined && !next.isGroup)
    changes.push({
      code: "became_required",
      decision: pointer,
      level: "major",
      message: `\`${next.path}\` must be set now.`,
    });
  changes.push(...conditionChanges(old, next, pointer));
  return changes;
}

/** `x-depends-on`: a decision that applies less often is pruned where it was kept. */
function conditionChanges(old: Decision, next: Decision, pointer: string): SchemaChange[] {
  const allows = (wider: Decision["rules"], narrower: Decision["rules"]) =>
    [...wider].every(([path, options]) => {
      const other = narrower.get(path);
      return (
        other !== undefined &&
        other.every((value) => options.some((one) => canonicalJson(one) === canonicalJson(value)))
      );
    });
  const isWider = allows(next.rules, old.rules);
  const isNarrower = allows(old.rules, next.rules);
  if (isWider && isNarrower) return [];
  const change = isWider
    ? {
        code: "condition_widened" as const,
        level: "minor" as const,
        message: `\`${next.path}\` applies in more cases.`,
      }
    : {
        code: "condition_narrowed" as const,
        level: "major" as const,
        message: `\`${next.path}\` applies in fewer cases, and is left out in the others.`,
      };
  return [{ ...change, decision: pointer }];
}

function decisionsOf(schema: DecisionSchema): Map<string, Decision> {
  const found = new Map<string, Decision>();
  type At = { path: string; pointer: string; rules: ReadonlyMap<string, readonly Json[]>; depth: number };
  const visit = (node: JsonObject, at: At): void => {
    if (at.depth > NESTING_MAX) return;
    const required = Array.isArray(node["required"]) ? node["required"] : [];
    for (const [key, child] of schema.properties(node)) {
      const folded = schema.folded(child);
      const path = at.path === "" ? key : `${at.path}.${key}`;
      const pointer = `${at.pointer}/${pointerToken(key)}`;
      const own = isJsonObject(folded["x-depends-on"]) ? folded["x-depends-on"] : {};
      const rules = new Map([
        ...at.rules,
        ...Object.entries(own).map(([on, value]) => [on, Array.isArray(value) ? value : [value]] as const),
      ]);
      const isGroup = folded["type"] === "object" && schema.properties(folded).size > 0;
      found.set(pointer, { path, node: folded, isGroup, isRequired: required.includes(key), rules });
      visit(folded, { path, pointer, rules, depth: at.depth + 1 });
    }
  };
  visit(schema.folded(schema.root), { path: "", pointer: "", rules: new Map(), depth: 0 });
  return found;
}

const NESTING_MAX = 32;
