import { type AuditRow, entryDigest } from "#core/audit-seal.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import { statement } from "#store/statement.ts";

/**
 * One state change, for the batch of that change. `id` is minted before the batch, so a repeated batch adds no second row.
 * `payload` holds facts about the change, never a decision's value.
 */
export type AuditEntry = {
  id: string;
  workspaceId: string;
  at: string;
  actor: string;
  action: `${string}.${string}`;
  target: string;
  payload: JsonObject;
};

type EntryParams = {
  id: string;
  workspace_id: string;
  at: string;
  actor: string;
  action: string;
  target: string;
  payload: string;
  entry_digest: string;
};

// The number is the subselect's: two batches cannot hold the same one, because D1 runs one batch at a time. Each insert
// hangs on the effect that it records, so that a guard which failed records nothing.
const columns = "(id, workspace_id, seq, at, actor, action, target, payload, entry_digest)";
const values = `:id, :workspace_id, (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit_log WHERE workspace_id = :workspace_id),
   :at, :actor, :action, :target, :payload, :entry_digest`;
const isNew = "NOT EXISTS (SELECT 1 FROM audit_log WHERE id = :id)";

const insertForVersion = statement<EntryParams & { version_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM configuration_versions
   WHERE id = :version_id AND workspace_id = :workspace_id AND ${isNew}`,
);
const insertForRender = statement<EntryParams & { render_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM rendered_quadlets
   WHERE id = :render_id AND workspace_id = :workspace_id AND ${isNew}`,
);
const insertForFailure = statement<EntryParams & { version_id: string; updated_at: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM render_jobs
   WHERE version_id = :version_id AND workspace_id = :workspace_id AND state = 'failed' AND updated_at = :updated_at AND ${isNew}`,
);
const insertForFailedJob = statement<EntryParams & { version_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM render_jobs
   WHERE version_id = :version_id AND workspace_id = :workspace_id AND state = 'failed' AND ${isNew}`,
);
const insertForSchema = statement<EntryParams & { pack: string; version: string; fetched_at: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM schemas
   WHERE pack = :pack AND version = :version AND fetched_at = :fetched_at AND ${isNew}`,
  { crossesTenants: true },
);
const insertForDevice = statement<EntryParams & { user_uuid: string; device_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM devices
   WHERE user_uuid = :user_uuid AND device_id = :device_id AND change_id = :id AND ${isNew}`,
);
const insertForGenerator = statement<EntryParams & { generator_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM generators
   WHERE id = :generator_id AND workspace_id = :workspace_id AND change_id = :id AND ${isNew}`,
);
const insertForReport = statement<EntryParams & { event_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM deployment_events
   WHERE id = :event_id AND workspace_id = :workspace_id AND is_applied = 1 AND ${isNew}`,
);
const insertForSecretVersion = statement<EntryParams & { version_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM secret_versions
   WHERE id = :version_id AND workspace_id = :workspace_id AND ${isNew}`,
);
const insertForSecretRead = statement<EntryParams & { version_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM secret_versions v
   WHERE v.id = :version_id AND v.workspace_id = :workspace_id AND v.encrypted_value IS NOT NULL
     AND EXISTS (SELECT 1 FROM secrets s WHERE s.id = v.secret_id AND s.deleted_at IS NULL) AND ${isNew}`,
);
const insertForSecretChange = statement<EntryParams & { change_id: string; name: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM secrets
   WHERE workspace_id = :workspace_id AND name = :name AND change_id = :change_id AND ${isNew}`,
);
const insertForPurge = statement<EntryParams & { purge_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM purges
   WHERE id = :purge_id AND workspace_id = :workspace_id AND ${isNew}`,
);
const insertForRotation = statement<EntryParams & { rotation_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM key_rotations
   WHERE id = :rotation_id AND workspace_id = :workspace_id AND ${isNew}`,
);
const insertForRotationEnd = statement<EntryParams & { rotation_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM key_rotations
   WHERE id = :rotation_id AND workspace_id = :workspace_id AND state <> 'running' AND finished_at = :at AND ${isNew}
     AND NOT EXISTS (SELECT 1 FROM audit_log WHERE workspace_id = :workspace_id AND action = :action AND target = :target)`,
);
const insertForOpenProposal = statement<EntryParams & { proposal_id: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM proposals
   WHERE id = :proposal_id AND workspace_id = :workspace_id AND state = 'open' AND ${isNew}`,
);
/** Stands before `impactStore.restart` in the batch: nothing is written of a job that runs already. */
const insertForIdleImpact = statement<EntryParams & { pack: string; schema_version: string; candidate: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values} WHERE ${isNew} AND NOT EXISTS (
     SELECT 1 FROM impact_jobs WHERE pack = :pack AND schema_version = :schema_version AND candidate = :candidate
       AND state = 'running')`,
);
/** Stands before `candidateStore.put` in the batch: a candidate that is there already is not previewed once more. */
const insertForCandidate = statement<EntryParams & { digest: string }>(
  `INSERT INTO audit_log ${columns} SELECT ${values}
   WHERE ${isNew} AND NOT EXISTS (SELECT 1 FROM pack_candidates WHERE digest = :digest)`,
);
/** Stands before `schemaStore.setState` in the batch, under the same condition. */
const insertForSchemaState = statement<
  EntryParams & { pack: string; version: string; status: string; alarm: string | null }
>(
  `INSERT INTO audit_log ${columns} SELECT ${values} FROM schemas
   WHERE pack = :pack AND version = :version AND (status <> :status OR alarm IS NOT :alarm) AND ${isNew}`,
  { crossesTenants: true },
);
const insertAlways = statement<EntryParams>(`INSERT INTO audit_log ${columns} SELECT ${values} WHERE ${isNew}`);

async function params(entry: AuditEntry): Promise<EntryParams> {
  const payload = canonicalJson(entry.payload);
  const row = {
    id: entry.id,
    workspace_id: entry.workspaceId,
    at: entry.at,
    actor: entry.actor,
    action: entry.action,
    target: entry.target,
    payload,
  };
  return { ...row, entry_digest: await entryDigest(row) };
}

type PageParams = {
  workspace_id: string;
  before: number;
  actor: string | null;
  action: string | null;
  target: string | null;
  since: string | null;
  until: string | null;
  limit: number;
};

/** Newest first. `action` may be a family: `render` finds `render.retried` too. */
const selectPage = statement<PageParams, AuditRow>(
  `SELECT * FROM audit_log WHERE workspace_id = :workspace_id AND seq < :before
     AND (:actor IS NULL OR actor = :actor) AND (:target IS NULL OR target = :target)
     AND (:action IS NULL OR action = :action OR action LIKE :action || '.%')
     AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
   ORDER BY seq DESC LIMIT :limit`,
);

/** In the order of writing, for verification and export. */
const selectRange = statement<{ workspace_id: string; after: number; up_to: number; limit: number }, AuditRow>(
  `SELECT * FROM audit_log WHERE workspace_id = :workspace_id AND seq > :after AND seq <= :up_to ORDER BY seq LIMIT :limit`,
);

export const auditStore = {
  forVersion: async (db: D1Database, entry: AuditEntry, versionId: string) =>
    insertForVersion.bind(db, { ...(await params(entry)), version_id: versionId }),
  forRender: async (db: D1Database, entry: AuditEntry, renderId: string) =>
    insertForRender.bind(db, { ...(await params(entry)), render_id: renderId }),
  forFailure: async (db: D1Database, entry: AuditEntry, versionId: string) =>
    insertForFailure.bind(db, { ...(await params(entry)), version_id: versionId, updated_at: entry.at }),
  /** For what is about to be done to a failed job: stands before it in the batch. */
  forFailedJob: async (db: D1Database, entry: AuditEntry, versionId: string) =>
    insertForFailedJob.bind(db, { ...(await params(entry)), version_id: versionId }),
  forSchema: async (db: D1Database, entry: AuditEntry, schema: { pack: string; version: string; fetched_at: string }) =>
    insertForSchema.bind(db, { ...(await params(entry)), ...schema }),
  /** For a device that the statement before it changed under this entry's id. */
  forDevice: async (db: D1Database, entry: AuditEntry, device: { user_uuid: string; device_id: string }) =>
    insertForDevice.bind(db, { ...(await params(entry)), ...device }),
  /** For a generator that the statement before it changed under this entry's id. */
  forGenerator: async (db: D1Database, entry: AuditEntry, generatorId: string) =>
    insertForGenerator.bind(db, { ...(await params(entry)), generator_id: generatorId }),
  forReport: async (db: D1Database, entry: AuditEntry, eventId: string) =>
    insertForReport.bind(db, { ...(await params(entry)), event_id: eventId }),
  forSecretVersion: async (db: D1Database, entry: AuditEntry, versionId: string) =>
    insertForSecretVersion.bind(db, { ...(await params(entry)), version_id: versionId }),
  /** Of the batch that gives the value out: none comes out of it without this row. */
  forSecretRead: async (db: D1Database, entry: AuditEntry, versionId: string) =>
    insertForSecretRead.bind(db, { ...(await params(entry)), version_id: versionId }),
  forSecretChange: async (db: D1Database, entry: AuditEntry, change: { name: string; change_id: string }) =>
    insertForSecretChange.bind(db, { ...(await params(entry)), ...change }),
  forRotation: async (db: D1Database, entry: AuditEntry, rotationId: string) =>
    insertForRotation.bind(db, { ...(await params(entry)), rotation_id: rotationId }),
  /** Once, whichever of two sweeps ended it. */
  forRotationEnd: async (db: D1Database, entry: AuditEntry, rotationId: string) =>
    insertForRotationEnd.bind(db, { ...(await params(entry)), rotation_id: rotationId }),
  selectPage,
  selectRange,
  forPurge: async (db: D1Database, entry: AuditEntry, purgeId: string) =>
    insertForPurge.bind(db, { ...(await params(entry)), purge_id: purgeId }),
  /** After the insert of a proposal, or before what ends it. */
  forOpenProposal: async (db: D1Database, entry: AuditEntry, proposalId: string) =>
    insertForOpenProposal.bind(db, { ...(await params(entry)), proposal_id: proposalId }),
  forSchemaState: async (
    db: D1Database,
    entry: AuditEntry,
    state: { pack: string; version: string; status: string; alarm: string | null },
  ) => insertForSchemaState.bind(db, { ...(await params(entry)), ...state }),
  forIdleImpact: async (
    db: D1Database,
    entry: AuditEntry,
    of: { pack: string; schema_version: string; candidate: string },
  ) => insertForIdleImpact.bind(db, { ...(await params(entry)), ...of }),
  forCandidate: async (db: D1Database, entry: AuditEntry, digest: string) =>
    insertForCandidate.bind(db, { ...(await params(entry)), digest }),
  always: async (db: D1Database, entry: AuditEntry) => insertAlways.bind(db, await params(entry)),
};
