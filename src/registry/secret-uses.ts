import { eachDecision, prepareWith } from "#core/decisions.ts";
import type { DecisionSchema } from "#core/decision-schema.ts";
import type { JsonObject } from "#core/json.ts";
import type { Manifest } from "#core/manifest.ts";
import { generatorOf } from "#core/secret-generator.ts";
import type { SecretUse } from "#store/secret-use-store.ts";

/**
 * The secrets that a render needs, by its manifest, each with what the schema says of the decision that names it. A
 * secret that no decision names (a template asked for it by a bare name) has no such facts.
 */
export function secretUses(
  { secrets }: Manifest,
  of: { schema: DecisionSchema; configData: JsonObject } | null,
): SecretUse[] {
  if (secrets.length === 0) return [];
  const prepared = of && prepareWith(of.schema, of.configData);
  const byName = new Map<string, Pick<SecretUse, "decision" | "rotation_days" | "generate">>();
  if (of && prepared?.ok)
    eachDecision(of.schema, prepared.value.effective, (pointer, node, value) => {
      if (node["x-confman-secret-ref"] !== true || typeof value !== "string") return;
      const name = value.split("/").at(-1) ?? "";
      const days = node["x-confman-rotation-days"];
      const generator = node["x-generate"] === undefined ? null : generatorOf(node["x-generate"]);
      byName.set(name, {
        decision: pointer,
        rotation_days: typeof days === "number" && Number.isInteger(days) && days > 0 ? days : null,
        generate: generator && JSON.stringify(generator),
      });
    });
  const none = { decision: null, rotation_days: null, generate: null };
  const required = Map.groupBy(secrets, ({ name }) => name);
  return [...required].map(([name, uses]) => ({
    name,
    is_required: Number(uses.some((use) => use.required)),
    ...(byName.get(name) ?? none),
  }));
}
