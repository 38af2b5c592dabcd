import semver from "semver";
import { asVersion, commitPlanned } from "#actions/commit-planned.ts";
import { type PlannedUpgrade, planUpgrade } from "#actions/plan-upgrade.ts";
import { Compatibility, isAutomatic } from "#core/compatibility/compatibility.ts";
import type { Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { newestInRange } from "#core/schema-choice.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { proposalStore } from "#store/proposal-store.ts";
import { type SchemaRow, schemaStore } from "#store/schema-store.ts";
import { type UpgradeJobRow, upgradeStore } from "#store/upgrade-store.ts";

/** Longer than a migration, its render and its preview take. */
const LEASE_SECONDS = 300;
/** One that ended its process so often would do so for ever; the release stays choosable by hand. */
const ATTEMPTS_MAX = 5;

export type UpgradeOutcome =
  | "nothing_due"
  | "gone"
  | "pinned"
  | "has_it"
  | "withdrawn"
  | "out_of_range"
  | "decided"
  | "proposed"
  | "upgraded"
  | "crashed";

/**
 * What a release means for one configuration: nothing, a proposal, or for one that follows by itself a new version. Safe to call by
 * anybody and any number of times: the lease lets one through, a proposal is unique per configuration and version, and a version
 * is committed against the parent that it was made from. A fault of the transport throws, and the job is due again after its lease.
 */
export async function upgradeConfiguration(
  deps: Deps,
  key: { config_id: string; schema_version: string },
): Promise<UpgradeOutcome> {
  const { db, clock } = deps;
  const now = clock.now();
  const job = await upgradeStore.lease.first(db, {
    ...key,
    now: toInstant(now),
    lease_until: toInstant(secondsAfter(now, LEASE_SECONDS)),
  });
  if (!job) return "nothing_due";
  const outcome = job.attempts > ATTEMPTS_MAX ? "crashed" : await decide(deps, job);
  await upgradeStore.finish.bind(db, { ...key, outcome, now: toInstant(clock.now()) }).run();
  return outcome;
}

async function decide(deps: Deps, job: UpgradeJobRow): Promise<UpgradeOutcome> {
  const { db } = deps;
  const { pack, schema_version, workspace_id, config_id } = job;
  const [rows, targets, decided] = await db.batch([
    configurationStore.selectById.bind(db, { workspace_id, id: config_id }),
    schemaStore.selectOne.bind(db, { pack, version: schema_version }),
    proposalStore.isDecided.bind(db, { workspace_id, config_id, schema_version }),
  ]);
  const row = configurationStore.selectById.rows(rows)[0];
  const target = schemaStore.selectOne.rows(targets)[0];
  if (!row || row.pack !== pack || row.schema_version === null || row.is_active === 0) return "gone";
  if (row.upgrade_policy === "pinned") return "pinned";
  if (semver.gte(row.schema_version, schema_version)) return "has_it";
  if (target?.status !== "ready") return "withdrawn";
  if (newestInRange([schema_version], row.schema_range) === null) return "out_of_range";
  if (proposalStore.isDecided.rows(decided).length > 0) return "decided";
  const configuration = configurationStore.fromRow(row);
  const upgrade = await planUpgrade(deps, { configuration, target });
  if (row.upgrade_policy === "auto" && (await mayUpgrade(deps, { configuration, target, upgrade }))) {
    if (await commitUpgrade(deps, { configuration, upgrade })) return "upgraded";
    throw new Error("somebody saved meanwhile: the job is due again after its lease");
  }
  await propose(deps, { configuration, target, upgrade });
  return "proposed";
}

type ToDecide = { configuration: Configuration; target: SchemaRow; upgrade: PlannedUpgrade };

/** Every step from the configuration's version to the target must be compatible, and its own preview without a blemish. */
async function mayUpgrade(deps: Deps, { configuration, target, upgrade }: ToDecide): Promise<boolean> {
  if (!["identical", "changed", "restarts"].includes(upgrade.class) || upgrade.lost.length > 0) return false;
  const steps = await schemaStore.selectCompatibilities.all(deps.db, { pack: target.pack });
  const between = steps.filter(
    ({ version }) => semver.gt(version, configuration.schemaVersion ?? "") && semver.lte(version, target.version),
  );
  return between.every(({ compatibility }) => {
    const judged = Compatibility.safeParse(compatibility === null ? null : JSON.parse(compatibility));
    return judged.success && isAutomatic(judged.data);
  });
}

/** The registry acts for the one who chose the policy; audit rows name it. */
const registryPrincipal = (configuration: Configuration): Principal => ({
  userUuid: "system",
  deviceId: null,
  workspaceId: configuration.workspaceId,
  epoch: 0,
  login: "system",
  role: "editor",
  isOperator: false,
  namespaces: ["/"],
  actor: "system:registry",
});

async function commitUpgrade(
  deps: Deps,
  { configuration, upgrade }: { configuration: Configuration; upgrade: PlannedUpgrade },
): Promise<boolean> {
  if (upgrade.planned === null) return false;
  const saved = await commitPlanned(deps, registryPrincipal(configuration), {
    configuration,
    planned: asVersion(upgrade.planned),
    request: null,
    cliVersion: null,
  });
  return saved !== null;
}

/** A row of D1 holds 2 MB; diffs beyond this are left to the preview that accepting makes anew. */
const PREVIEW_CHARS_MAX = 500_000;

async function propose(deps: Deps, { configuration, target, upgrade }: ToDecide): Promise<void> {
  const { db, ids, clock } = deps;
  const now = toInstant(clock.now());
  const id = ids.uuid();
  const of = { workspace_id: configuration.workspaceId, config_id: configuration.id, schema_version: target.version };
  const entry = {
    id: ids.uuid(),
    workspaceId: configuration.workspaceId,
    at: now,
    actor: "system:registry",
    action: "proposal.created" as const,
    target: `configuration:${configuration.id}`,
    payload: { proposal: id, schema: `${target.pack}/${target.version}`, class: upgrade.class },
  };
  await db.batch([
    proposalStore.supersede.bind(db, { ...of, now }),
    proposalStore.insert.bind(db, {
      id,
      ...of,
      pack: target.pack,
      from_version: configuration.schemaVersion ?? "",
      base_version: configuration.version,
      class: upgrade.class,
      preview: previewText(upgrade, target),
      created_at: now,
    }),
    await auditStore.forOpenProposal(db, entry, id),
  ]);
}

function previewText({ preview, lost, findings, planned }: PlannedUpgrade, target: SchemaRow): string {
  const compatibility = Compatibility.safeParse(
    target.compatibility === null ? null : JSON.parse(target.compatibility),
  );
  const reasons = compatibility.success
    ? compatibility.data.changes.filter(({ level }) => level === "major").map(({ message }) => message)
    : [];
  const shown = {
    format: 1,
    summary: planned?.summary ?? null,
    reasons,
    lost,
    findings,
    changes: preview?.changes ?? [],
    plan: preview?.comparison?.plan ?? null,
    files: preview?.comparison?.files.map(({ filename, change, unified }) => ({ filename, change, unified })) ?? [],
  };
  const text = JSON.stringify(shown);
  return text.length <= PREVIEW_CHARS_MAX
    ? text
    : JSON.stringify({ ...shown, files: [], changes: shown.changes.slice(0, 100) });
}
