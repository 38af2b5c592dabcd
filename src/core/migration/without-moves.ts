import type { DecisionChange } from "#core/changes.ts";
import { canonicalJson } from "#core/json.ts";
import { type Migrated, originOf } from "#core/migration/migrate.ts";

/**
 * The changes that a person has to know of: a decision that a migration gave another name and that kept its value is none. Two that
 * are masked stay, because nobody says whether their values are equal.
 */
export function withoutMoves(changes: readonly DecisionChange[], cameFrom: Migrated["cameFrom"]): DecisionChange[] {
  const byDecision = new Map(changes.map((change) => [change.decision, change]));
  const moved = new Set<DecisionChange>();
  for (const change of changes) {
    const origin = originOf(cameFrom, change.decision);
    const former = origin === change.decision ? undefined : byDecision.get(origin);
    if (former?.before === undefined || change.after === undefined || former.kind !== "removed") continue;
    if (canonicalJson(former.before) === canonicalJson(change.after)) moved.add(former).add(change);
  }
  return changes.filter((change) => !moved.has(change));
}
