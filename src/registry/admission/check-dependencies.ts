import { type DecisionSchema } from "#core/decision-schema.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import type { Finding } from "#core/finding.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject, pointerToken } from "#core/json.ts";
import type { SourcePlaces } from "#registry/admission/source-places.ts";

/**
 * Each `x-depends-on` must name a decision of the schema and a value that it can have. One that does not never holds, so that the
 * decision behind it is never there, and neither a save nor a render would say why.
 */
export function checkDependencies(schema: DecisionSchema, places: SourcePlaces): Finding[] {
  const decisions = decisionsOf(schema);
  const findings: Finding[] = [];
  for (const [path, node] of decisions) {
    const rules = node["x-depends-on"];
    for (const [on, wanted] of Object.entries(isJsonObject(rules) ? rules : {})) {
      const problem = problemOf(decisions, on, wanted);
      if (problem === null) continue;
      const decision = pointerOf(path);
      findings.push(
        places.ofDecision(decision, {
          code: "dependency_never_holds",
          severity: "error",
          message: `\`${path}\` never applies: ${problem}.`,
          action:
            "Name a decision by its path from the root, as in services.enable_caddy, and values that it can have.",
          decision,
        }),
      );
    }
  }
  return findings;
}

const pointerOf = (path: string) => `/${path.split(".").map(pointerToken).join("/")}`;

/** Every decision and group by its dotted path, with `$ref` and `allOf` folded in. */
function decisionsOf(schema: DecisionSchema): Map<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  const visit = (node: JsonObject, above: string): void => {
    for (const [key, child] of schema.properties(node)) {
      const folded = schema.folded(child);
      found.set(`${above}${key}`, folded);
      visit(folded, `${above}${key}.`);
    }
  };
  visit(schema.folded(schema.root), "");
  return found;
}

function problemOf(decisions: Map<string, JsonObject>, on: string, wanted: Json): string | null {
  const target = decisions.get(on);
  if (!target) {
    const meant = didYouMean(on, [...decisions.keys()]);
    return `it depends on \`${on}\`, which is no decision${meant === null ? "" : ` (did you mean \`${meant}\`?)`}`;
  }
  const options = Array.isArray(wanted) ? wanted : [wanted];
  if (options.length === 0) return `it depends on \`${on}\` having one of no values`;
  const known = Array.isArray(target["enum"]) ? target["enum"] : target["type"] === "boolean" ? [false, true] : null;
  const never = known && options.every((value) => !known.some((one) => canonicalJson(one) === canonicalJson(value)));
  return never
    ? `it depends on \`${on}\` being ${options.map((value) => JSON.stringify(value)).join(" or ")}, which it cannot be`
    : null;
}
