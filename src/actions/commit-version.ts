import { requireNamespace } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { causeText } from "#core/log.ts";
import type { Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { jobStore } from "#store/job-store.ts";
import { type NewVersion, type Version, versionStore } from "#store/version-store.ts";

/** What a save commits. `parent` 0 with `configuration` creates the deployment in the same batch. */
export type VersionDraft = Omit<NewVersion, "id" | "created_at" | "created_by" | "workspace_id"> & {
  configuration?: { namespace: string; deployment_name: string; schema_range: string; upgrade_policy: string };
  idempotency?: { route: string; key: string; fingerprint: string } | null;
  /** Statements of this version that stand in place of a render job (a deletion has none). */
  instead?: (of: { versionId: string; now: string }) => D1PreparedStatement[];
  /** Further statements of this version, which must select its row, so that a guard that failed stops them too. */
  also?: (of: { versionId: string }) => D1PreparedStatement[];
};

export type CommitOutcome =
  | { kind: "committed"; version: Version }
  /** The guard found another parent, or the name taken: nothing at all was written. */
  | { kind: "guard_failed" }
  /** Another request with the same Idempotency-Key committed first. */
  | { kind: "key_taken" };

/**
 * The one write of a save (law 6): guard, version, outbox row, idempotency key and audit row in one batch, which D1 runs
 * as a transaction. The version's id is minted before, so that whoever does not hear the answer can ask whether it is
 * there: a batch that failed may have committed, and is then reported as what it is.
 */
export async function commitVersion(deps: Deps, principal: Principal, draft: VersionDraft): Promise<CommitOutcome> {
  const namespace = draft.configuration?.namespace;
  if (namespace !== undefined) requireNamespace(principal, namespace);
  const { db, ids, clock } = deps;
  const versionId = ids.uuid();
  const auditId = ids.uuid();
  const now = toInstant(clock.now());
  const statements = await commitStatements(deps, principal, { draft, versionId, auditId, now });
  try {
    const results = await db.batch(statements);
    return outcomeOf(results, draft);
  } catch (cause) {
    deps.log("commit.failed", { workspace_id: principal.workspaceId, version_id: versionId, cause: causeText(cause) });
    return afterLostAnswer(deps, principal, { draft, versionId, cause });
  }
}

async function commitStatements(
  { db }: Deps,
  principal: Principal,
  { draft, versionId, auditId, now }: { draft: VersionDraft; versionId: string; auditId: string; now: string },
): Promise<D1PreparedStatement[]> {
  const { configuration, idempotency, instead, also, ...fields } = draft;
  const of = { version_id: versionId, workspace_id: principal.workspaceId };
  const version = {
    ...fields,
    id: versionId,
    workspace_id: principal.workspaceId,
    created_by: principal.actor,
    created_at: now,
  };
  const statements = configuration
    ? [
        configurationStore.insert.bind(db, {
          ...configuration,
          id: draft.config_id,
          workspace_id: principal.workspaceId,
          user_uuid: principal.userUuid,
          config_data: draft.config_data,
          pack: draft.pack,
          schema_version: draft.schema_version,
          created_by: principal.actor,
          created_at: now,
        }),
      ]
    : [];
  statements.push(versionStore.insert.bind(db, version), configurationStore.followVersion.bind(db, of));
  statements.push(...(instead?.({ versionId, now }) ?? [jobStore.insert.bind(db, { ...of, now })]));
  statements.push(...(also?.({ versionId }) ?? []));
  if (idempotency)
    statements.push(
      idempotencyStore.insert.bind(db, { ...idempotency, ...of, principal: principal.actor, created_at: now }),
    );
  const entry = {
    id: auditId,
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: auditedAs(draft.origin),
    target: `configuration:${draft.config_id}`,
    payload: {
      version_id: versionId,
      origin: draft.origin,
      schema: draft.pack === null ? null : `${draft.pack}/${draft.schema_version ?? ""}`,
      podman_target: draft.podman_target,
      device: principal.deviceId,
    },
  };
  statements.push(await auditStore.forVersion(db, entry, versionId));
  statements.push(...readBack(db, principal, { draft, versionId }));
  return statements;
}

function auditedAs(origin: VersionDraft["origin"]): `${string}.${string}` {
  if (origin === "delete") return "configuration.deleted";
  return origin === "restore" ? "configuration.restored" : "version.created";
}

type Committed = { draft: VersionDraft; versionId: string };

/** What came of it: is our version there, and if not, did a twin with the same key make one? */
function readBack(db: D1Database, principal: Principal, { draft, versionId }: Committed): D1PreparedStatement[] {
  const version = versionStore.selectById.bind(db, { id: versionId, workspace_id: principal.workspaceId });
  if (!draft.idempotency) return [version];
  const { route, key } = draft.idempotency;
  return [version, idempotencyStore.select.bind(db, { principal: principal.actor, route, key })];
}

function outcomeOf(results: D1Result[], draft: VersionDraft): CommitOutcome {
  const [version, key] = results.slice(draft.idempotency ? -2 : -1);
  const row = versionStore.selectById.rows(version)[0];
  if (row) return { kind: "committed", version: versionStore.fromRow(row) };
  // A twin that came first also took the name or moved the parent: its key says that it was this very request.
  return idempotencyStore.select.rows(key).length > 0 ? { kind: "key_taken" } : { kind: "guard_failed" };
}

/** The fourth round trip, only taken when the third gave no answer: what did it do? */
async function afterLostAnswer(
  { db }: Deps,
  principal: Principal,
  { draft, versionId, cause }: { draft: VersionDraft; versionId: string; cause: unknown },
): Promise<CommitOutcome> {
  const outcome = outcomeOf(await db.batch(readBack(db, principal, { draft, versionId })), draft);
  if (outcome.kind !== "guard_failed") return outcome;
  throw AppError.of("storage_unavailable", {}, { cause });
}
