import { migrateWith } from "#actions/migrate-decisions.ts";
import { type PlannedSave, planMove, summaryWithInputs } from "#actions/plan-save.ts";
import { type Preview, previewPlanned } from "#actions/preview-save.ts";
import { summarise } from "#core/changes.ts";
import { AppError } from "#core/errors.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { ImpactClass } from "#core/impact.ts";
import type { JsonObject } from "#core/json.ts";
import { type LostDecision, describeLosses } from "#core/migration/describe-losses.ts";
import type { Migrated } from "#core/migration/migrate.ts";
import { withoutMoves } from "#core/migration/without-moves.ts";
import { type Result, ok } from "#core/result.ts";
import type { Deps } from "#deps.ts";
import type { ReadyPack, ReadySchema } from "#registry/caches.ts";
import { loadPack } from "#registry/load-pack.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { Configuration } from "#store/configuration-store.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";

/** What one configuration would become under another schema version. `planned` and `preview` are null where it cannot. */
export type PlannedUpgrade = {
  class: ImpactClass;
  planned: PlannedSave | null;
  preview: Preview | null;
  lost: LostDecision[];
  findings: Finding[];
};

/** Where an upgrade goes: an admitted version, or a candidate that the registry does not know. */
export type UpgradeTarget = { schema: ReadySchema; pack: ReadyPack };

/** An admitted version as a target. Throws for transport failures; findings where its pack is lost. */
export async function upgradeTarget(deps: Deps, row: SchemaSummaryRow): Promise<Result<UpgradeTarget, Finding[]>> {
  const pack = await loadPack(deps, row);
  if (!pack.ok) return pack;
  const { version, status, podman_min: min, podman_max: max, pack_digest: packDigest } = row;
  const schema = { pack: row.pack, version, status, packDigest, podman: { min, max }, schema: pack.value.schema };
  return ok({ schema, pack: pack.value });
}

/** `planMoveTo` an admitted version. */
export async function planUpgrade(
  deps: Deps,
  { target: row, ...of }: { configuration: Configuration; target: SchemaSummaryRow; inputs?: JsonObject },
): Promise<PlannedUpgrade> {
  const target = await upgradeTarget(deps, row);
  return target.ok ? planMoveTo(deps, { ...of, target: target.value }) : refused(target.error);
}

/**
 * Migrates, validates, renders and compares one configuration in memory, by the code that a save and its preview use. Nothing is
 * stored. A configuration that cannot go there is an answer, with what is missing; throws for transport failures only.
 */
export async function planMoveTo(
  deps: Deps,
  of: { configuration: Configuration; target: UpgradeTarget; inputs?: JsonObject },
): Promise<PlannedUpgrade> {
  const { configuration, target, inputs = {} } = of;
  const { schema, pack } = target;
  const { schemaVersion, configData: saved } = configuration;
  const journey = { from: schemaVersion ?? "", to: schema.version, configData: saved, inputs };
  const migrated = migrateWith(pack, journey);
  if (!migrated.ok) return refused(migrated.error);
  const { configData, cameFrom } = migrated.value;
  try {
    const planned = inWords(
      await planMove(deps, configuration, { config_data: configData, schema, allow_deprecated: true }),
      { configuration, cameFrom },
    );
    const name = { namespace: configuration.namespace, deployment_name: configuration.deploymentName };
    const { workspaceId } = configuration;
    const whole = await previewPlanned(deps, { workspaceId, name, configuration, planned, pack });
    const preview = { ...whole, changes: withoutMoves(whole.changes, cameFrom) };
    const lost = await lostOf(deps, { configuration, planned, lost: migrated.value.lost });
    return { class: classOf(preview), planned, preview, lost, findings: [...preview.findings] };
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.status >= 500) throw cause;
    return refused(findingsOf(cause));
  }
}

/** A summary of what an upgrade changes, not of what it calls by another name. */
function inWords(
  planned: PlannedSave,
  { configuration, cameFrom }: { configuration: Configuration; cameFrom: Migrated["cameFrom"] },
): PlannedSave {
  const { schema, podmanTarget, prepared } = planned;
  const changes = withoutMoves(prepared.changes, cameFrom);
  const told = { changes, summary: summarise(changes) };
  return { ...planned, summary: summaryWithInputs(told, { schema, podmanTarget, configuration }) };
}

const isMissing = ({ code }: Finding) => code === "migration_input_missing" || code === "decision_missing";

/** A configuration that cannot go there. */
export const refused = (findings: Finding[]): PlannedUpgrade => ({
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

function classOf({ files, comparison, findings }: Preview): ImpactClass {
  if (files === null || comparison === null || hasErrors(findings)) return "fails";
  if (comparison.plan.risks.length > 0) return "data_risk";
  if (comparison.files.length === 0) return "identical";
  const isStirring = comparison.plan.steps.some(({ action }) => action !== "install" && action !== "reload");
  return isStirring ? "restarts" : "changed";
}
