import { asVersion, commitPlanned } from "#actions/commit-planned.ts";
import { editConfiguration } from "#actions/edit-configuration.ts";
import { type IdempotentRequest, idempotentRequest, replayed, selectKey } from "#actions/idempotency.ts";
import { type Keep, planMigratedReturn, requireGoodReturn } from "#actions/plan-migrated-return.ts";
import { type PlannedReturn, planReturn } from "#actions/plan-return.ts";
import { previewUploadReturn } from "#actions/preview-upload.ts";
import { type Preview, previewPlanned } from "#actions/preview-save.ts";
import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { LostDecision } from "#core/migration/describe-losses.ts";
import type { Caller, Principal } from "#core/principal.ts";
import type { IfMatch } from "#core/save-decision.ts";
import type { Deps } from "#deps.ts";
import type { DataRisk } from "#quadlet/plan/plan.ts";
import { type Configuration, type ConfigurationRow, configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { type Version, type VersionRow, versionStore } from "#store/version-store.ts";

/** `keep`: what stays as it is, while the rest goes back and the decisions are migrated; null: nothing does. */
type Back = { name: Name; to: number; keep: Keep | null; inputs: JsonObject };
type Rollback = Back & { acceptLosses: boolean; ifMatch: IfMatch; key: string | undefined; cliVersion: string | null };

/**
 * Makes a new version with the content of an older one, under that one's own schema version: numbers only grow, and devices
 * never see one go back. With `keep`, decisions are migrated instead, and what that loses must be accepted. Content equal to the
 * newest makes no version. Repeated with its Idempotency-Key, it answers the first.
 */
export async function rollbackConfiguration(deps: Deps, caller: Caller, rollback: Rollback): Promise<SavedVersion> {
  const { name, to, keep, inputs, acceptLosses, ifMatch, key, cliVersion } = rollback;
  const route = `${caller.workspaceId} POST /configurations/${name.deployment_name}/rollback?namespace=${name.namespace}`;
  const request = await idempotentRequest(route, key, {
    to,
    ...(keep && { keep, inputs, accept_losses: acceptLosses }),
  });
  const { principal, row, target, first } = await readRollback(deps, caller, { name, to, request });
  if (first) return { version: first, pruned: [], warnings: [], unchanged: false };
  const edit = { workspaceId: principal.workspaceId, name, ifMatch, row };
  return editConfiguration(deps, edit, async (configuration) => {
    const version = targetOf(target, { configId: configuration.id, to });
    const { back, lost } = await planBack(deps, configuration, { target: version, keep, inputs });
    if (keep && back.kind === "decisions" && !back.planned.isEqual)
      await requireGoodReturn(deps, configuration, { planned: back.planned, lost, isAccepted: acceptLosses });
    const planned = back.kind === "decisions" ? asVersion(back.planned) : back.planned;
    return commitPlanned(deps, principal, { configuration, planned, request, cliVersion });
  });
}

export type RollbackPreview = {
  preview: Preview;
  /** What going back loses, before anything else: data first. */
  losses: { decisions: LostDecision[]; dataRisks: DataRisk[]; secretsMissing: string[]; versionsUndone: Version[] };
};

/** Enough to recognise what would be undone; the history has the rest. */
const UNDONE_SHOWN_MAX = 20;

/** What a rollback would do, and what would be lost by it; nothing is stored. */
export async function previewRollback(
  deps: Deps,
  caller: Caller,
  { name, to, keep, inputs }: Back,
): Promise<RollbackPreview> {
  const { principal, row, target } = await readRollback(deps, caller, { name, to, request: null });
  if (!row) throw AppError.of("configuration_not_found", { name: name.deployment_name });
  const configuration = configurationStore.fromRow(row);
  const version = targetOf(target, { configId: configuration.id, to });
  const { back, lost } = await planBack(deps, configuration, { target: version, keep, inputs });
  const of = { workspaceId: principal.workspaceId, name, configuration };
  const preview =
    back.kind === "decisions"
      ? await previewPlanned(deps, { ...of, planned: back.planned })
      : await previewUploadReturn(deps, { ...of, planned: back.planned });
  const newer = await versionStore.selectHistory.all(deps.db, {
    workspace_id: principal.workspaceId,
    config_id: configuration.id,
    before: Number.MAX_SAFE_INTEGER,
    limit: UNDONE_SHOWN_MAX,
  });
  return {
    preview,
    losses: {
      decisions: lost,
      dataRisks: preview.comparison?.plan.risks ?? [],
      secretsMissing: preview.secrets.filter(({ isStored }) => !isStored).map((secret) => secret.name),
      versionsUndone: newer.filter(({ version }) => version > to).map(versionStore.fromRow),
    },
  };
}

/** The plan that a rollback commits and its preview shows. */
async function planBack(
  deps: Deps,
  configuration: Configuration,
  { target, keep, inputs }: { target: Version; keep: Keep | null; inputs: JsonObject },
): Promise<{ back: PlannedReturn; lost: LostDecision[] }> {
  if (keep === null) return { back: await planReturn(deps, configuration, { target, origin: "rollback" }), lost: [] };
  const { planned, lost } = await planMigratedReturn(deps, configuration, { target, keep, inputs });
  return { back: { kind: "decisions", planned }, lost };
}

type Read = {
  principal: Principal;
  row: ConfigurationRow | undefined;
  target: VersionRow | undefined;
  first: Version | null;
};

async function readRollback(
  deps: Deps,
  caller: Caller,
  { name, to, request }: { name: Name; to: number; request: IdempotentRequest | null },
): Promise<Read> {
  const { db } = deps;
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(db, { workspace_id: caller.workspaceId, ...name }),
    versionStore.selectByNumber.bind(db, { workspace_id: caller.workspaceId, version: to }),
    selectKey(db, caller.actor, request),
  ]);
  const first = await replayed(deps, principal, { request, row: idempotencyStore.select.rows(results[2])[0] });
  const row = configurationStore.selectByName.rows(results[0])[0];
  return { principal, row, target: versionStore.selectByNumber.rows(results[1])[0], first };
}

/** The version to go back to, where it is this configuration's and has content. */
function targetOf(row: VersionRow | undefined, { configId, to }: { configId: string; to: number }): Version {
  if (!row || row.config_id !== configId) throw AppError.of("version_not_found", { version: to });
  if (row.origin === "delete") throw AppError.of("version_is_deletion", { version: to });
  return versionStore.fromRow(row);
}
