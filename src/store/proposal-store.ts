import type { ImpactClass } from "#core/impact.ts";
import { statement } from "#store/statement.ts";

export type ProposalRow = {
  id: string;
  workspace_id: string;
  config_id: string;
  namespace: string;
  deployment_name: string;
  pack: string;
  from_version: string;
  schema_version: string;
  base_version: number;
  state: "open" | "accepted" | "dismissed" | "superseded";
  class: ImpactClass;
  preview: string;
  version_id: string | null;
  decided_by: string | null;
  created_at: string;
  updated_at: string;
};

/** One open proposal per configuration: the newer release takes the older one's place. */
const supersede = statement<{ workspace_id: string; config_id: string; schema_version: string; now: string }>(
  `UPDATE proposals SET state = 'superseded', updated_at = :now
   WHERE workspace_id = :workspace_id AND config_id = :config_id AND state = 'open' AND schema_version <> :schema_version`,
);

const insert = statement<
  Omit<ProposalRow, "state" | "namespace" | "deployment_name" | "version_id" | "decided_by" | "updated_at">
>(
  `INSERT INTO proposals (id, workspace_id, config_id, pack, from_version, schema_version, base_version, state, class, preview,
     created_at, updated_at)
   SELECT :id, workspace_id, id, :pack, :from_version, :schema_version, :base_version, 'open', :class, :preview,
     :created_at, :created_at
   FROM configurations WHERE id = :config_id AND workspace_id = :workspace_id AND deleted_at IS NULL
   ON CONFLICT (config_id, schema_version) DO NOTHING`,
);

const columns = `p.id, p.workspace_id, p.config_id, c.namespace, c.deployment_name, p.pack, p.from_version, p.schema_version,
  p.base_version, p.state, p.class, p.preview, p.version_id, p.decided_by, p.created_at, p.updated_at`;

const selectPage = statement<{ workspace_id: string; state: string; before: string; limit: number }, ProposalRow>(
  `SELECT ${columns} FROM proposals p JOIN configurations c ON c.id = p.config_id
   WHERE p.workspace_id = :workspace_id AND p.state = :state AND p.created_at || p.id < :before
   ORDER BY p.created_at || p.id DESC LIMIT :limit`,
);

const selectOne = statement<{ workspace_id: string; id: string }, ProposalRow>(
  `SELECT ${columns} FROM proposals p JOIN configurations c ON c.id = p.config_id
   WHERE p.workspace_id = :workspace_id AND p.id = :id`,
);

const isDecided = statement<{ workspace_id: string; config_id: string; schema_version: string }, { state: string }>(
  `SELECT state FROM proposals
   WHERE workspace_id = :workspace_id AND config_id = :config_id AND schema_version = :schema_version`,
);

/** Follows the version that the same batch inserted; without it, changes nothing. */
const accept = statement<{ workspace_id: string; id: string; version_id: string; decided_by: string; now: string }>(
  `UPDATE proposals SET state = 'accepted', version_id = :version_id, decided_by = :decided_by, updated_at = :now
   WHERE workspace_id = :workspace_id AND id = :id AND state = 'open'
     AND EXISTS (SELECT 1 FROM configuration_versions WHERE id = :version_id AND workspace_id = :workspace_id)`,
);

const dismiss = statement<{ workspace_id: string; id: string; decided_by: string; now: string }, { id: string }>(
  `UPDATE proposals SET state = 'dismissed', decided_by = :decided_by, updated_at = :now
   WHERE workspace_id = :workspace_id AND id = :id AND state = 'open' RETURNING id`,
);

/** Live configurations on a version that was taken back: their owners are told with every list of proposals. */
const selectYanked = statement<
  { workspace_id: string },
  { namespace: string; deployment_name: string; pack: string; schema_version: string; yanked_reason: string | null }
>(
  `SELECT c.namespace, c.deployment_name, c.pack, c.schema_version, s.yanked_reason
   FROM configurations c JOIN schemas s ON s.pack = c.pack AND s.version = c.schema_version
   WHERE c.workspace_id = :workspace_id AND c.deleted_at IS NULL AND s.status = 'yanked'
   ORDER BY c.namespace, c.deployment_name LIMIT 100`,
);

export const proposalStore = { supersede, insert, selectPage, selectOne, isDecided, accept, dismiss, selectYanked };
