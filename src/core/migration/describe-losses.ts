import { type DecisionChange, decisionChanges } from "#core/changes.ts";
import type { DecisionSchema } from "#core/decision-schema.ts";
import type { Json, JsonObject } from "#core/json.ts";
import type { Migrated } from "#core/migration/migrate.ts";

/**
 * A decision that a migration does not keep, as a person is told of it. `value` is what it was; `masked`: it is sensitive or a
 * secret, or what was given does not have it by this name, and it is not said.
 */
export type LostDecision = { decision: string; title: string; reason: string; value?: Json; masked: boolean };

type Of = {
  /** The schema that `configData` was made under, then the other one: the first gives titles, either one masks. */
  schemas: readonly [DecisionSchema, DecisionSchema];
  /** The decisions before the migration. */
  configData: JsonObject;
};

/** Losses with titles and values; a group that is lost is named decision by decision. */
export function describeLosses(lost: Migrated["lost"], { schemas, configData }: Of): LostDecision[] {
  const had = decisionChanges(schemas, configData, {});
  const told = lost.flatMap(({ decision, reason }) => {
    const within = had.filter((one) => one.decision === decision || one.decision.startsWith(`${decision}/`));
    const title = decision.slice(1).replaceAll("/", ".");
    return within.length > 0
      ? within.map((one) => lostDecision(one, reason))
      : [{ decision, title, reason, masked: true }];
  });
  return [...new Map(told.map((one) => [one.decision, one])).values()];
}

const lostDecision = ({ decision, title, before, masked }: DecisionChange, reason: string): LostDecision => ({
  decision,
  title,
  reason,
  masked,
  ...(!masked && before !== undefined && { value: before }),
});
