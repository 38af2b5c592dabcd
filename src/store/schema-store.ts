import { statement } from "#store/statement.ts";

export type SchemaStatus = "ready" | "quarantined" | "yanked";

export type SchemaSummaryRow = {
  pack: string;
  version: string;
  repository: string;
  github_release_url: string;
  github_tag: string;
  commit_sha: string;
  asset_digest: string | null;
  pack_digest: string;
  podman_min: string;
  podman_max: string | null;
  status: SchemaStatus;
  released_at: string;
  fetched_at: string;
};

export type SchemaRow = SchemaSummaryRow & {
  template_manifest: string;
  config_schema: string;
  report: string;
  compatibility: string | null;
  migration_required: number;
  matrix: string | null;
};

/** As people read one. */
export type SchemaDetailRow = SchemaRow & { alarm: string | null; yanked_reason: string | null };

/** As people read a list: of the compatibility only the verdict. */
export type SchemaListRow = SchemaSummaryRow & {
  alarm: string | null;
  yanked_reason: string | null;
  compatibility: string | null;
  matrix_rows: number | null;
};

/** What a sync compares a listed release with. */
export type SchemaPinRow = SchemaSummaryRow & { alarm: string | null; has_errors: number };

const summary = `pack, version, repository, github_release_url, github_tag, commit_sha, asset_digest, pack_digest,
  podman_min, podman_max, status, released_at, fetched_at`;

const selectCandidates = statement<{ pack: string }, SchemaSummaryRow>(
  `SELECT ${summary} FROM schemas WHERE pack = :pack AND status = 'ready' ORDER BY released_at DESC LIMIT 500`,
);

const selectAll = statement<Record<string, never>, SchemaListRow>(
  `SELECT ${summary}, alarm, yanked_reason, json_extract(matrix, '$.rows') AS matrix_rows,
     CASE WHEN compatibility IS NULL THEN NULL ELSE json_object(
       'from', json_extract(compatibility, '$.from'), 'class', json_extract(compatibility, '$.class'),
       'deserved', json_extract(compatibility, '$.deserved'), 'promised', json_extract(compatibility, '$.promised'),
       'effect', json_extract(compatibility, '$.effect'),
       'is_overpromising', json(CASE json_extract(compatibility, '$.is_overpromising') WHEN 1 THEN 'true' ELSE 'false' END)
     ) END AS compatibility
   FROM schemas ORDER BY pack, released_at DESC LIMIT 1000`,
);

const selectOne = statement<{ pack: string; version: string }, SchemaDetailRow>(
  `SELECT ${summary}, template_manifest, config_schema, report, compatibility, migration_required, matrix, alarm, yanked_reason
   FROM schemas WHERE pack = :pack AND version = :version`,
);

const selectOfVersion = statement<{ workspace_id: string; version: number }, SchemaSummaryRow>(
  `SELECT ${summary} FROM schemas
   WHERE (pack, version) = (SELECT pack, schema_version FROM configuration_versions
                            WHERE workspace_id = :workspace_id AND version = :version)`,
);

const selectByRepository = statement<{ repository: string }, SchemaPinRow>(
  `SELECT ${summary}, alarm,
     EXISTS (SELECT 1 FROM json_each(report) WHERE json_extract(value, '$.severity') = 'error') AS has_errors
   FROM schemas WHERE repository = :repository`,
);

const insert = statement<SchemaRow>(
  `INSERT INTO schemas (pack, version, repository, github_release_url, github_tag, commit_sha, asset_digest, pack_digest,
     template_manifest, config_schema, podman_min, podman_max, status, report, compatibility,
     migration_required, matrix, released_at, fetched_at)
   VALUES (:pack, :version, :repository, :github_release_url, :github_tag, :commit_sha, :asset_digest, :pack_digest,
     :template_manifest, :config_schema, :podman_min, :podman_max, :status, :report, :compatibility,
     :migration_required, :matrix, :released_at, :fetched_at)
   ON CONFLICT (pack, version) DO NOTHING`,
);

const selectCompatibilities = statement<{ pack: string }, { version: string; compatibility: string | null }>(
  "SELECT version, compatibility FROM schemas WHERE pack = :pack AND status = 'ready'",
);

// Nothing that a version refers to is ever deleted: a release that is taken back changes a word here, and only once.
const setState = statement<{
  pack: string;
  version: string;
  status: SchemaStatus;
  yanked_reason: string | null;
  alarm: string | null;
}>(
  `UPDATE schemas SET status = :status, yanked_reason = :yanked_reason, alarm = :alarm
   WHERE pack = :pack AND version = :version AND (status <> :status OR alarm IS NOT :alarm)`,
);

export const schemaStore = {
  selectCandidates,
  selectAll,
  selectOne,
  selectOfVersion,
  selectByRepository,
  insert,
  setState,
  selectCompatibilities,
};
