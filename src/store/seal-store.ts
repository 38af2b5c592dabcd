import type { SealRow } from "#core/audit-seal.ts";
import { statement } from "#store/statement.ts";

export type UnsealedRow = { row_id: number; workspace_id: string; seq: number; entry_digest: string };

/** What was written since the sealer last looked, oldest first, whosever it is. */
const selectUnsealed = statement<{ limit: number }, UnsealedRow>(
  `SELECT a.rowid AS row_id, a.workspace_id, a.seq, a.entry_digest FROM audit_log a, audit_sealer s
   WHERE s.id = 1 AND a.rowid > s.sealed_rowid ORDER BY a.rowid LIMIT :limit`,
  { crossesTenants: true },
);

const selectLast = statement<{ workspaces: string }, SealRow>(
  `SELECT s.* FROM json_each(:workspaces) w JOIN audit_seals s ON s.workspace_id = w.value
     AND s.to_seq = (SELECT MAX(to_seq) FROM audit_seals WHERE workspace_id = w.value)`,
  { crossesTenants: true },
);

// Two sweeps may seal the same rows at once: the second finds them sealed and inserts nothing.
const insert = statement<SealRow>(
  `INSERT INTO audit_seals (workspace_id, from_seq, to_seq, digest, signature, sealed_at)
   SELECT :workspace_id, :from_seq, :to_seq, :digest, :signature, :sealed_at
   WHERE :from_seq = 1 + (SELECT COALESCE(MAX(to_seq), 0) FROM audit_seals WHERE workspace_id = :workspace_id)`,
);

const advanceSealed = statement<{ row_id: number }>(
  `UPDATE audit_sealer SET sealed_rowid = MAX(sealed_rowid, :row_id) WHERE id = 1`,
);
const advanceCopied = statement<{ row_id: number }>(
  `UPDATE audit_sealer SET copied_rowid = MAX(copied_rowid, :row_id) WHERE id = 1`,
);

const selectUncopied = statement<{ limit: number }, SealRow & { row_id: number }>(
  `SELECT a.rowid AS row_id, a.* FROM audit_seals a, audit_sealer s
   WHERE s.id = 1 AND a.rowid > s.copied_rowid ORDER BY a.rowid LIMIT :limit`,
  { crossesTenants: true },
);

const selectAfter = statement<{ workspace_id: string; after: number; limit: number }, SealRow>(
  `SELECT * FROM audit_seals WHERE workspace_id = :workspace_id AND to_seq > :after ORDER BY to_seq LIMIT :limit`,
);
const selectEnding = statement<{ workspace_id: string; to_seq: number }, SealRow>(
  `SELECT * FROM audit_seals WHERE workspace_id = :workspace_id AND to_seq = :to_seq`,
);

export const sealStore = {
  selectUnsealed,
  selectLast,
  insert,
  advanceSealed,
  advanceCopied,
  selectUncopied,
  selectAfter,
  selectEnding,
};

const prefix = (workspaceId: string) => `audit/${workspaceId}/`;
const copyKey = (workspaceId: string, toSeq: number) => prefix(workspaceId) + String(toSeq).padStart(16, "0");

/** The copy in the locked backup bucket. Made once: what is there is never replaced. */
export async function putSealCopy(backups: R2Bucket, seal: SealRow): Promise<void> {
  await backups.put(copyKey(seal.workspace_id, seal.to_seq), seal.signature, {
    onlyIf: { etagDoesNotMatch: "*" },
    customMetadata: { signature: seal.signature },
  });
}

/** Signatures of the copies after a number, by `to_seq`, in order. */
export async function readSealCopies(
  backups: R2Bucket,
  { workspaceId, after, limit }: { workspaceId: string; after: number; limit: number },
): Promise<Map<number, string>> {
  const { objects } = await backups.list({
    prefix: prefix(workspaceId),
    startAfter: copyKey(workspaceId, after),
    limit,
    include: ["customMetadata"],
  });
  return new Map(
    objects.map(({ key, customMetadata }) => [
      Number(key.slice(prefix(workspaceId).length)),
      customMetadata?.["signature"] ?? "",
    ]),
  );
}
