import { type DecisionChange, summarise } from "#core/changes.ts";
import { type PreparedDecisions, prepareWith } from "#core/decisions.ts";
import { AppError } from "#core/errors.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import { type Parent, decideSave } from "#core/save-decision.ts";
import type { ReadySchema } from "#registry/caches.ts";

export type SaveRequest = {
  configData: JsonObject;
  namespace: string;
  parent: Parent | null;
  allowDeprecated: boolean;
};

export type PreparedSave = PreparedDecisions & { text: string; changes: DecisionChange[]; summary: string };

/** Everything about a save that needs no database: validation, pruning, rules against the parent, summary in words. */
export function prepareSave(schema: ReadySchema, request: SaveRequest): PreparedSave {
  const prepared = prepareWith(schema.schema, request.configData);
  if (!prepared.ok) throw AppError.of("config_invalid", { count: prepared.error.length }, { details: prepared.error });
  const text = canonicalJson(prepared.value.saved);
  if (text.length > LIMITS.config_data_chars_max.value) {
    const message = `config_data has ${text.length} characters; at most ${LIMITS.config_data_chars_max.value} are stored.`;
    const finding = {
      code: "config_too_large",
      severity: "error" as const,
      message,
      action: "Shorten it.",
      decision: "",
    };
    throw AppError.of("config_invalid", { count: 1 }, { details: [finding] });
  }
  const decided = decideSave(schema.schema, prepared.value, request);
  if (decided.ok) return { ...prepared.value, text, changes: decided.value, summary: summarise(decided.value) };
  switch (decided.error.reason) {
    case "config_invalid":
      throw AppError.of(
        "config_invalid",
        { count: decided.error.findings.length },
        { details: decided.error.findings },
      );
    case "decision_immutable":
      throw immutable(decided.error.pointer);
  }
}

function immutable(decision: string): AppError {
  const { code, message, action } = AppError.of("decision_immutable", { pointer: decision });
  return AppError.of(
    "decision_immutable",
    { pointer: decision },
    { details: [{ code, severity: "error" as const, message, action, decision }] },
  );
}
