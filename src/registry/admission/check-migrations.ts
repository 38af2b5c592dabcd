import { type PreparedDecisions, prepareWith } from "#core/decisions.ts";
import type { DecisionSchema } from "#core/decision-schema.ts";
import type { Finding } from "#core/finding.ts";
import { type JsonObject, cloneJson, sameJson } from "#core/json.ts";
import { applyDown, applyUp, pathsOf } from "#core/migration/apply-operation.ts";
import { dropEmptyGroups, read } from "#core/migration/decision-path.ts";
import { type MigrationPath, migrate } from "#core/migration/migrate.ts";
import type { Migration } from "#core/migration/migration.ts";
import type { SourcePlaces } from "#registry/admission/source-places.ts";

/** A row of the old matrix on the new schema: what it became, what is missing, or why it does not fit. */
export type MigratedRow =
  | { kind: "migrated"; prepared: PreparedDecisions }
  | { kind: "needs_input"; missing: { decision: string; message: string }[] }
  | { kind: "refused"; findings: Finding[] };

/** Carries one row over, and judges what it became by the new schema. */
export function migrateRow(path: MigrationPath, schema: DecisionSchema, configData: JsonObject): MigratedRow {
  const migrated = migrate(path, configData);
  const isInput = ({ code }: Finding) => code === "migration_input_missing";
  if (!migrated.ok) {
    const { error } = migrated;
    return error.every(isInput)
      ? { kind: "needs_input", missing: error.map(({ decision = "", message }) => ({ decision, message })) }
      : { kind: "refused", findings: error.filter((finding) => !isInput(finding)) };
  }
  const prepared = prepareWith(schema, migrated.value.configData);
  if (prepared.ok) return { kind: "migrated", prepared: prepared.value };
  const { error } = prepared;
  return error.every(({ code }) => code === "decision_missing")
    ? { kind: "needs_input", missing: error.map(({ decision = "", message }) => ({ decision, message })) }
    : { kind: "refused", findings: error };
}

type Step = { file: string; migration: Migration };

/**
 * Holds every operation that does not call itself lossy to its promise: up and down again must give back each row, as it was
 * saved and with all defaults written out. The finding names the line of the operation.
 */
export function checkPromises(steps: readonly Step[], rows: readonly JsonObject[], places: SourcePlaces): Finding[] {
  const findings: Finding[] = [];
  const states = rows.map((row) => cloneJson(row));
  for (const { file, migration } of steps)
    for (const [index, operation] of migration.operations.entries()) {
      let broken: { before: JsonObject; after: JsonObject } | null = null;
      for (const state of states) {
        const paths = pathsOf(operation);
        const makesValues = operation.op === "default" || operation.op === "require";
        if (!makesValues && paths.every((path) => read(state, path) === undefined)) continue; // nothing to move
        for (const path of paths) dropEmptyGroups(state, path);
        const before = cloneJson(state);
        if (applyUp(state, operation).length > 0) continue; // refused loudly, and counted where rows are migrated
        const after = cloneJson(state);
        applyDown(after, operation);
        if (!sameJson(after, before)) broken ??= { before, after };
      }
      if (broken === null || operation.lossy) continue;
      const finding: Finding = {
        code: "migration_not_reversible",
        severity: "error",
        message: `${operation.op} of \`${operation.path}\` does not give back what it was made from, and does not say "lossy".`,
        action: 'Correct it, or say "lossy": true, so that people are told before they upgrade.',
      };
      findings.push(places.at(file, `/operations/${index}`, finding));
    }
  return findings;
}

/** The steps of a path with the files that they stand in. */
export const stepsWithFiles = (path: MigrationPath, files: readonly Step[]): Step[] =>
  path.steps.flatMap((step) => files.find(({ migration }) => migration === step) ?? []);
