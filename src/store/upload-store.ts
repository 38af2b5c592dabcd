import { statement } from "#store/statement.ts";

// What is committed already (collect_after is null) stays so; what is being collected is left alone and asked for after.
const stage = statement<{ workspace_id: string; objects: string; collect_after: string }>(
  `INSERT INTO uploads (workspace_id, sha256, size_bytes, collect_after)
   SELECT :workspace_id, j.key, j.value, :collect_after FROM json_each(:objects) j WHERE true
   ON CONFLICT (workspace_id, sha256) DO UPDATE SET
     collect_after = CASE WHEN uploads.collect_after IS NULL THEN NULL ELSE excluded.collect_after END
   WHERE uploads.collecting = 0`,
);

const selectCollecting = statement<{ workspace_id: string; objects: string }, { sha256: string }>(
  `SELECT sha256 FROM uploads WHERE workspace_id = :workspace_id AND collecting = 1
     AND sha256 IN (SELECT j.key FROM json_each(:objects) j)`,
);

type OfVersion = { version_id: string; workspace_id: string };

// Both hang on the version's row: a guard that failed refers to nothing. A repeated batch finds its rows and adds none.
const insertFiles = statement<OfVersion & { files: string }>(
  `INSERT INTO upload_files (version_id, workspace_id, filename, sha256)
   SELECT v.id, v.workspace_id, j.key, j.value FROM configuration_versions v, json_each(:files) j
   WHERE v.id = :version_id AND v.workspace_id = :workspace_id
     AND NOT EXISTS (SELECT 1 FROM upload_files f WHERE f.version_id = v.id)`,
);
const keep = statement<OfVersion>(
  `UPDATE uploads SET collect_after = NULL WHERE workspace_id = :workspace_id AND sha256 IN (
     SELECT sha256 FROM upload_files WHERE version_id = :version_id AND workspace_id = :workspace_id)`,
);

const isUsed = `EXISTS (SELECT 1 FROM upload_files f WHERE f.workspace_id = uploads.workspace_id AND f.sha256 = uploads.sha256)`;
type Upload = { workspace_id: string; sha256: string };

const keepUsed = statement<{ now: string }>(
  `UPDATE uploads SET collect_after = NULL WHERE collect_after <= :now AND ${isUsed}`,
  { crossesTenants: true },
);
const collect = statement<{ now: string; limit: number }, Upload>(
  `UPDATE uploads SET collecting = 1 WHERE (workspace_id, sha256) IN (
     SELECT workspace_id, sha256 FROM uploads WHERE collect_after <= :now AND NOT ${isUsed} LIMIT :limit)
   RETURNING workspace_id, sha256`,
  { crossesTenants: true },
);
const remove = statement<Upload>(
  "DELETE FROM uploads WHERE workspace_id = :workspace_id AND sha256 = :sha256 AND collecting = 1",
);

export const uploadStore = {
  stage,
  selectCollecting,
  /** The files of a version, for the batch that makes it. */
  forVersion: (db: D1Database, of: OfVersion & { files: Record<string, string> }): D1PreparedStatement[] => [
    insertFiles.bind(db, { ...of, files: JSON.stringify(of.files) }),
    keep.bind(db, { version_id: of.version_id, workspace_id: of.workspace_id }),
  ],
  keepUsed,
  collect,
  remove,
};
