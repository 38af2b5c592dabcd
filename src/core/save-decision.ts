import { type DecisionChange, decisionChanges } from "#core/changes.ts";
import type { DecisionSchema } from "#core/decision-schema.ts";
import { type PreparedDecisions, eachDecision, prepareWith, valueAt } from "#core/decisions.ts";
import type { Finding } from "#core/finding.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { type Result, err, ok } from "#core/result.ts";

export type SaveRefusal =
  | { reason: "config_invalid"; findings: Finding[] }
  | { reason: "decision_immutable"; pointer: string };

/**
 * The rules that hold between a version and its parent: a decision marked `x-confman-immutable` keeps the value it has
 * had, a deprecated one is newly set only on request, one restricted by `x-confman-allowed-environments` is set
 * only in namespaces whose first part it names (`/` belongs to no environment and is free).
 */
export function decideSave(
  schema: DecisionSchema,
  next: PreparedDecisions,
  context: { parent: Parent | null; namespace: string; allowDeprecated: boolean },
): Result<DecisionChange[], SaveRefusal> {
  const parent = context.parent?.configData ?? null;
  const environment = context.namespace.split("/")[1] ?? "";
  const findings: Finding[] = [];
  let immutable: string | null = null;
  eachDecision(schema, next.saved, (decision, node) => {
    const before = parent === null ? undefined : valueAt(parent, decision);
    if (node["x-confman-deprecated"] !== undefined && before === undefined && !context.allowDeprecated)
      findings.push({
        code: "decision_deprecated",
        severity: "error",
        message:
          typeof node["x-confman-deprecated"] === "string"
            ? node["x-confman-deprecated"]
            : "This decision is deprecated.",
        action: "Leave it out, or send allow_deprecated: true to set it all the same.",
        decision,
      });
    const allowed = node["x-confman-allowed-environments"];
    if (Array.isArray(allowed) && environment !== "" && !allowed.includes(environment))
      findings.push({
        code: "decision_not_in_environment",
        severity: "error",
        message: `This decision may be set in ${allowed.map(String).join(", ")} only, and the namespace is in ${environment}.`,
        action: "Remove it here.",
        decision,
      });
  });
  // Both schemas bind: neither an upgrade nor a rollback to a schema that does not know the mark is a way around it.
  if (context.parent)
    for (const binding of new Set([schema, context.parent.schema]))
      immutable ??= brokenPromise(binding, context.parent.configData, next.effective);
  if (findings.length > 0) return err({ reason: "config_invalid", findings });
  if (immutable !== null) return err({ reason: "decision_immutable", pointer: immutable });
  return ok(decisionChanges([schema, ...(context.parent ? [context.parent.schema] : [])], parent ?? {}, next.saved));
}

/** What is edited: the decisions as stored, and the schema that they were made under. */
export type Parent = { configData: JsonObject; schema: DecisionSchema };

/** The first immutable decision that would change, by JSON Pointer. */
function brokenPromise(schema: DecisionSchema, parent: JsonObject, next: JsonObject): string | null {
  // what devices run is the default too: leaving it was a choice of its value
  const was = prepareWith(schema, parent);
  let broken: string | null = null;
  eachDecision(schema, was.ok ? was.value.effective : parent, (decision, node, before) => {
    if (node["x-confman-immutable"] !== true) return;
    const after = valueAt(next, decision);
    const isKept =
      after === undefined ? valueAt(parent, decision) === undefined : canonicalJson(after) === canonicalJson(before);
    if (!isKept) broken ??= decision;
  });
  return broken;
}

export type IfMatch = { kind: "any" } | { kind: "version"; version: number };

/** `If-Match: "3"` or `*`; null where the header is malformed. Weak validators cannot match (RFC 9110, 13.1.1). */
export function parseIfMatch(header: string): IfMatch | null {
  if (header.trim() === "*") return { kind: "any" };
  const match = /^"(\d{1,15})"$/.exec(header.trim());
  return match ? { kind: "version", version: Number(match[1]) } : null;
}
