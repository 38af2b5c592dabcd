import { migrateDecisions } from "#actions/migrate-decisions.ts";
import { type PlannedSave, planNextSave } from "#actions/plan-save.ts";
import { type Preview, previewPlanned } from "#actions/preview-save.ts";
import { AppError } from "#core/errors.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type LostDecision, describeLosses } from "#core/migration/describe-losses.ts";
import type { Migrated } from "#core/migration/migrate.ts";
import type { Deps } from "#deps.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { Configuration } from "#store/configuration-store.ts";
import type { ProposalClass } from "#store/proposal-store.ts";
import type { SchemaRow } from "#store/schema-store.ts";

/** What one configuration would become under another schema version. `planned` and `preview` are null where it cannot. */
export type PlannedUpgrade = {
  class: ProposalClass;
  planned: PlannedSave | null;
  preview: Preview | null;
  lost: LostDecision[];
  findings: Finding[];
};

/**
 * Migrates, validates, renders and compares one configuration in memory, by the code that a save and its preview use. Nothing is
 * stored. A configuration that cannot go there is an answer, with what is missing; throws for transport failures only.
 */
export async function planUpgrade(
  deps: Deps,
  of: { configuration: Configuration; target: SchemaRow; inputs?: JsonObject },
): Promise<PlannedUpgrade> {
  const { configuration, target, inputs = {} } = of;
  const migrated = await migrateDecisions(deps, {
    newer: target,
    from: configuration.schemaVersion ?? "",
    to: target.version,
    configData: configuration.configData,
    inputs,
  });
  if (!migrated.ok) return refused(migrated.error);
  const { configData } = migrated.value;
  try {
    const input = { config_data: configData, schema_version: target.version, allow_deprecated: true };
    const planned = await planNextSave(deps, configuration, input);
    const name = { namespace: configuration.namespace, deployment_name: configuration.deploymentName };
    const preview = await previewPlanned(deps, {
      workspaceId: configuration.workspaceId,
      name,
      configuration,
      planned,
    });
    const lost = await lostOf(deps, { configuration, planned, lost: migrated.value.lost });
    return { class: classOf(preview), planned, preview, lost, findings: [...preview.findings] };
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.status >= 500) throw cause;
    return refused(findingsOf(cause));
  }
}

const isMissing = ({ code }: Finding) => code === "migration_input_missing" || code === "decision_missing";

const refused = (findings: Finding[]): PlannedUpgrade => ({
  class: findings.length > 0 && findings.every(isMissing) ? "needs_input" : "fails",
  planned: null,
  preview: null,
  lost: [],
  findings,
});

async function lostOf(
  deps: Deps,
  of: { configuration: Configuration; planned: PlannedSave; lost: Migrated["lost"] },
): Promise<LostDecision[]> {
  const { pack, schemaVersion, configData } = of.configuration;
  const from = of.lost.length > 0 ? await loadSchema(deps, pack ?? "", schemaVersion ?? "") : null;
  const to = of.planned.schema.schema;
  return describeLosses(of.lost, { schemas: [from?.schema ?? to, to], configData });
}

/** A refusal's findings, or the refusal itself as one. */
export const findingsOf = ({ code, message, action, details }: AppError): Finding[] => {
  const findings = details.filter((detail): detail is Finding => "severity" in detail);
  return findings.length > 0 ? findings : [{ code, severity: "error", message, action }];
};

function classOf({ files, comparison, findings }: Preview): ProposalClass {
  if (files === null || comparison === null || hasErrors(findings)) return "fails";
  if (comparison.plan.risks.length > 0) return "data_risk";
  if (comparison.files.length === 0) return "identical";
  const isStirring = comparison.plan.steps.some(({ action }) => action !== "install" && action !== "reload");
  return isStirring ? "restarts" : "changed";
}
