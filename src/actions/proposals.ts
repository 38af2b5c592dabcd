import { requireAccepted } from "#actions/accepted-losses.ts";
import { asVersion, draftOf } from "#actions/commit-planned.ts";
import { commitVersion } from "#actions/commit-version.ts";
import { nudgeRender } from "#actions/nudge-render.ts";
import { planUpgrade } from "#actions/plan-upgrade.ts";
import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { type ProposalRow, proposalStore } from "#store/proposal-store.ts";
import { schemaStore } from "#store/schema-store.ts";
import type { Version } from "#store/version-store.ts";

export type ProposalPage = {
  proposals: ProposalRow[];
  /** Deployments whose schema version was taken back: nobody else gets it, and they should move on. */
  yanked: {
    namespace: string;
    deployment_name: string;
    pack: string;
    schema_version: string;
    yanked_reason: string | null;
  }[];
};

export async function listProposals(
  deps: Deps,
  caller: Caller,
  of: { state: ProposalRow["state"]; before: string | null; limit: number },
): Promise<ProposalPage> {
  const { db } = deps;
  const { workspaceId } = caller;
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    proposalStore.selectPage.bind(db, {
      workspace_id: workspaceId,
      state: of.state,
      before: of.before ?? "\u{10ffff}",
      limit: of.limit,
    }),
    proposalStore.selectYanked.bind(db, { workspace_id: workspaceId }),
  ]);
  return { proposals: proposalStore.selectPage.rows(results[0]), yanked: proposalStore.selectYanked.rows(results[1]) };
}

async function readOpen(deps: Deps, caller: Caller, id: string) {
  const { results, principal } = await readAs(deps, { caller, permission: "config:write" }, [
    proposalStore.selectOne.bind(deps.db, { workspace_id: caller.workspaceId, id }),
  ]);
  const proposal = proposalStore.selectOne.rows(results[0])[0];
  if (!proposal) throw AppError.of("proposal_not_found", {});
  if (proposal.state !== "open") throw AppError.of("proposal_decided", { state: proposal.state });
  return { proposal, principal };
}

/**
 * Takes a proposal: the newest decisions are migrated, validated and previewed anew, so that what was saved since is kept, and
 * committed with the proposal's end in one batch. `inputs` are values by path for what cannot be derived. What loses
 * decisions or risks data is refused until `acceptLosses` says that somebody knows.
 */
export async function acceptProposal(
  deps: Deps,
  caller: Caller,
  { id, inputs, acceptLosses }: { id: string; inputs: JsonObject; acceptLosses: boolean },
): Promise<Version> {
  const { db } = deps;
  const { proposal, principal } = await readOpen(deps, caller, id);
  const [rows, targets] = await db.batch([
    configurationStore.selectById.bind(db, { workspace_id: principal.workspaceId, id: proposal.config_id }),
    schemaStore.selectOne.bind(db, { pack: proposal.pack, version: proposal.schema_version }),
  ]);
  const row = configurationStore.selectById.rows(rows)[0];
  const target = schemaStore.selectOne.rows(targets)[0];
  if (!row) throw AppError.of("proposal_not_found", {});
  if (target?.status !== "ready")
    throw AppError.of("proposal_decided", { state: "withdrawn: its release was taken back" });
  const configuration = configurationStore.fromRow(row);
  const upgrade = await planUpgrade(deps, { configuration, target, inputs });
  if (upgrade.planned === null || upgrade.class === "fails")
    throw AppError.of("proposal_not_possible", { count: upgrade.findings.length }, { details: upgrade.findings });
  if (upgrade.preview) requireAccepted({ lost: upgrade.lost, preview: upgrade.preview, isAccepted: acceptLosses });
  const planned = asVersion(upgrade.planned);
  const outcome = await commitVersion(deps, principal, {
    ...draftOf(configuration, planned),
    cli_version: null,
    also: ({ versionId }) => [
      proposalStore.accept.bind(db, {
        workspace_id: principal.workspaceId,
        id,
        version_id: versionId,
        decided_by: principal.actor,
        now: toInstant(deps.clock.now()),
      }),
    ],
  });
  if (outcome.kind !== "committed") throw AppError.of("write_contended", {});
  await nudgeRender(deps, outcome.version.id);
  return outcome.version;
}

/** Puts a proposal away: that version is not proposed to this deployment again. */
export async function dismissProposal(deps: Deps, caller: Caller, id: string): Promise<void> {
  const { db, ids, clock } = deps;
  const { proposal, principal } = await readOpen(deps, caller, id);
  const now = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: "proposal.dismissed" as const,
    target: `configuration:${proposal.config_id}`,
    payload: { proposal: id, schema: `${proposal.pack}/${proposal.schema_version}` },
  };
  await db.batch([
    await auditStore.forOpenProposal(db, entry, id),
    proposalStore.dismiss.bind(db, { workspace_id: principal.workspaceId, id, decided_by: principal.actor, now }),
  ]);
}
