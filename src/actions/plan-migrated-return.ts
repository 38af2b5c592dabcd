import semver from "semver";
import { requireAccepted } from "#actions/accepted-losses.ts";
import { migrateDecisions } from "#actions/migrate-decisions.ts";
import { type PlannedSave, summaryWithInputs } from "#actions/plan-save.ts";
import { findingsOf } from "#actions/plan-upgrade.ts";
import { type PreparedSave, prepareSave } from "#actions/prepare-save.ts";
import { previewPlanned } from "#actions/preview-save.ts";
import { AppError } from "#core/errors.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { valueAt } from "#core/decisions.ts";
import { isPodmanWithin } from "#core/names.ts";
import { pointerOfPath } from "#core/migration/decision-path.ts";
import { type LostDecision, describeLosses } from "#core/migration/describe-losses.ts";
import { leaveUnknown } from "#core/migration/leave-unknown.ts";
import { type Migrated, type MigrationPath, originOf } from "#core/migration/migrate.ts";
import type { Deps } from "#deps.ts";
import type { ReadySchema } from "#registry/caches.ts";
import { loadSchema } from "#registry/load-schema.ts";
import type { Configuration } from "#store/configuration-store.ts";
import { schemaStore } from "#store/schema-store.ts";
import type { Version } from "#store/version-store.ts";

/** What stays as it is while the rest goes back: `schema` (the old decisions come to it), or `decisions` (they go to the old schema). */
export type Keep = "schema" | "decisions";
export type MigratedReturn = { planned: PlannedSave; lost: LostDecision[] };
type Asked = { target: Version; keep: Keep; inputs: JsonObject };

/** The decisions that travel, from the one schema version to the other. */
type Journey = { configData: JsonObject; from: ReadySchema; to: ReadySchema };

/**
 * The plan of going back with the decisions migrated to the schema version where they arrive, and what that loses. Refuses with
 * everything that is in the way (`rollback_not_possible`). Releases that were withdrawn since count too: they are what ran.
 */
export async function planMigratedReturn(
  deps: Deps,
  configuration: Configuration,
  { target, keep, inputs }: Asked,
): Promise<MigratedReturn> {
  if (target.purged_at !== null) throw AppError.of("version_purged", { version: target.version });
  const [now, then] = await Promise.all([schemaOf(deps, configuration), schemaOf(deps, asNamed(target))]);
  if (!now || !then || now.pack !== then.pack) throw notPossible([uploaded(target.version)]);
  const journey =
    keep === "schema"
      ? { configData: target.config_data, from: then, to: now }
      : { configData: configuration.configData, from: now, to: then };
  const arrived = await travel(deps, { ...journey, inputs });
  const prepared = prepare(journey.to, { arrived: arrived.configData, configuration, now });
  const lost = [
    ...describeLosses([...arrived.lost, ...prunedLosses(prepared, { schema: journey.to, arrived })], {
      schemas: [journey.from.schema, journey.to.schema],
      configData: journey.configData,
    }),
    ...(keep === "decisions" ? neverBack({ target, old: then, now, arrived, prepared }) : []),
  ];
  const podmanTarget = keptTarget(journey.to, { kept: configuration.podmanTarget, old: target.podman_target });
  const isEqual =
    prepared.text === canonicalJson(configuration.configData) &&
    journey.to.version === now.version &&
    podmanTarget === configuration.podmanTarget;
  const schema = journey.to;
  // Decisions that only changed their names did not change; a list of them would hide what did.
  const told = keep === "schema" ? prepared : { changes: [], summary: "" };
  const words = summaryWithInputs(told, { schema, podmanTarget, configuration });
  const summary = summarised(words, { target, keep, journey, lost });
  return { planned: { schema, podmanTarget, prepared, origin: "rollback", summary, isEqual }, lost };
}

/** Before a commit: what was planned renders, and whoever asks for it accepts what it loses. Renders in memory. */
export async function requireGoodReturn(
  deps: Deps,
  configuration: Configuration,
  { planned, lost, isAccepted }: MigratedReturn & { isAccepted: boolean },
): Promise<void> {
  const { namespace, deploymentName, workspaceId } = configuration;
  const name = { namespace, deployment_name: deploymentName };
  const preview = await previewPlanned(deps, { workspaceId, name, configuration, planned });
  if (preview.files === null || hasErrors(preview.findings)) throw notPossible([...preview.findings]);
  requireAccepted({ lost, preview, isAccepted });
}

const asNamed = ({ pack, schema_version }: Version) => ({ pack, schemaVersion: schema_version });

async function schemaOf(
  deps: Deps,
  { pack, schemaVersion }: { pack: string | null; schemaVersion: string | null },
): Promise<ReadySchema | null> {
  return pack === null || schemaVersion === null ? null : loadSchema(deps, pack, schemaVersion);
}

type Arrived = Migrated & { path: MigrationPath };

async function travel(
  deps: Deps,
  { configData, from, to, inputs }: Journey & { inputs: JsonObject },
): Promise<Arrived> {
  const newest = semver.gt(from.version, to.version) ? from : to;
  const newer = await schemaStore.selectOne.first(deps.db, { pack: newest.pack, version: newest.version });
  if (!newer) throw AppError.of("schema_version_unknown", { pack: newest.pack, version: newest.version, known: "" });
  const migrated = await migrateDecisions(deps, { newer, from: from.version, to: to.version, configData, inputs });
  if (!migrated.ok) throw notPossible(migrated.error);
  const { path, lost, cameFrom } = migrated.value;
  if (path.direction === "up") return migrated.value;
  const { configData: known, left } = leaveUnknown(to.schema, migrated.value.configData);
  const reason = `${to.version} does not have this decision`;
  const alsoLost = left.map((decision) => ({ decision: originOf(cameFrom, decision), reason }));
  return { path, cameFrom, configData: known, lost: [...lost, ...alsoLost] };
}

function prepare(
  schema: ReadySchema,
  of: { arrived: JsonObject; configuration: Configuration; now: ReadySchema },
): PreparedSave {
  const { namespace, configData } = of.configuration;
  const parent = { configData, schema: of.now.schema };
  try {
    return prepareSave(schema, { configData: of.arrived, namespace, parent, allowDeprecated: true });
  } catch (cause) {
    if (cause instanceof AppError && cause.status < 500) throw notPossible(findingsOf(cause));
    throw cause;
  }
}

const prunedLosses = ({ pruned }: PreparedSave, { schema, arrived }: { schema: ReadySchema; arrived: Arrived }) =>
  pruned.map((decision) => ({
    decision: originOf(arrived.cameFrom, decision),
    reason: `under ${schema.version} it does not apply beside the other decisions`,
  }));

type Gone = { target: Version; old: ReadySchema; now: ReadySchema; arrived: Arrived; prepared: PreparedSave };

/** What the version that is gone back to had, and what a migration dropped on the way from there: it is nowhere any more. */
function neverBack({ target, old, now, arrived, prepared }: Gone): LostDecision[] {
  if (arrived.path.direction === "up") return [];
  const dropped = arrived.path.steps
    .flatMap(({ operations }) => operations)
    .flatMap((operation) =>
      operation.op === "drop" ? [{ ...operation, decision: pointerOfPath(operation.path) }] : [],
    )
    .filter(({ decision }) => valueAt(prepared.saved, decision) === undefined)
    .filter(({ decision }) => valueAt(target.config_data, decision) !== undefined)
    .map(({ decision }) => ({
      decision,
      reason: `version ${target.version} had it, an update dropped it, and no migration brings it back`,
    }));
  return describeLosses(dropped, { schemas: [old.schema, now.schema], configData: target.config_data });
}

/** The target stays, unless the schema version that is gone back to is not made for it. */
const keptTarget = (schema: ReadySchema, { kept, old }: { kept: string; old: string }) =>
  isPodmanWithin(kept, schema.podman) ? kept : old;

type Told = { target: Version; keep: Keep; journey: Journey; lost: LostDecision[] };

function summarised(words: string, { target, keep, journey: { from, to }, lost }: Told): string {
  const carried = from.version === to.version ? "" : `, decisions migrated from ${from.version} to ${to.version}`;
  const head =
    keep === "schema"
      ? `Rolled back to version ${target.version}${carried}`
      : `Back to the schema of version ${target.version}`;
  const parts = [words, lost.length > 0 ? `lost: ${lost.map(({ title }) => title).join(", ")}` : ""];
  return [head, parts.filter((part) => part !== "").join("; ")].filter((part) => part !== "").join(": ");
}

const notPossible = (details: Finding[]) =>
  AppError.of("rollback_not_possible", { count: details.length }, { details });

const uploaded = (version: number): Finding => ({
  code: "upload_not_migrated",
  severity: "error",
  message: `Version ${version} and the newest one are not made from the same pack: one of them was uploaded as files.`,
  action: "Go back without keep.",
});
