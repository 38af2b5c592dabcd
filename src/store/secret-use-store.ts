import { statement } from "#store/statement.ts";

/** A secret that a render needs, and what the schema says of the decision that names it. */
export type SecretUse = {
  name: string;
  is_required: number;
  decision: string | null;
  rotation_days: number | null;
  generate: string | null;
};

// Renders may end out of order: a row keeps the newest version, and counts only while that is the head.
const recordForVersion = statement<{ version_id: string; uses: string }>(
  `INSERT INTO secret_uses (config_id, workspace_id, name, version, is_required, decision, rotation_days, generate)
   SELECT v.config_id, v.workspace_id, j.value ->> 'name', v.version, j.value ->> 'is_required', j.value ->> 'decision',
     j.value ->> 'rotation_days', j.value ->> 'generate'
   FROM configuration_versions v, json_each(:uses) j
   WHERE v.id = :version_id AND EXISTS (
     SELECT 1 FROM rendered_quadlets r WHERE r.workspace_id = v.workspace_id AND r.version = v.version)
   ON CONFLICT (config_id, name) DO UPDATE SET version = excluded.version, is_required = excluded.is_required,
     decision = excluded.decision, rotation_days = excluded.rotation_days, generate = excluded.generate
   WHERE excluded.version > secret_uses.version`,
  { crossesTenants: true },
);

export type RequiredByRow = {
  config_id: string;
  namespace: string;
  deployment_name: string;
  version: number;
  decision: string | null;
  is_required: number;
  rotation_days: number | null;
};

const selectRequiredBy = statement<{ workspace_id: string; name: string }, RequiredByRow>(
  `SELECT c.id AS config_id, c.namespace, c.deployment_name, u.version, u.decision, u.is_required, u.rotation_days
   FROM secret_uses u JOIN configurations c ON c.id = u.config_id AND c.deleted_at IS NULL
   JOIN deployment_heads h ON h.config_id = u.config_id AND h.version = u.version
   WHERE u.workspace_id = :workspace_id AND u.name = :name ORDER BY c.namespace, c.deployment_name LIMIT 100`,
);

export type NeededSecretRow = SecretUse & {
  /** Null where nobody has set it, or it was deleted. */
  version: number | null;
  created_at: string | null;
  last_rotated_at: string | null;
};

const selectNeeded = statement<{ workspace_id: string; config_id: string }, NeededSecretRow>(
  `SELECT u.name, u.is_required, u.decision, u.rotation_days, u.generate, s.version, s.created_at, s.last_rotated_at
   FROM secret_uses u JOIN deployment_heads h ON h.config_id = u.config_id AND h.version = u.version
   LEFT JOIN secrets s ON s.workspace_id = u.workspace_id AND s.name = u.name AND s.deleted_at IS NULL
   WHERE u.workspace_id = :workspace_id AND u.config_id = :config_id ORDER BY u.name`,
);

/** How a schema wants the secret made; of several, the newest render's. */
const selectGenerator = statement<{ workspace_id: string; name: string }, { generate: string }>(
  `SELECT u.generate FROM secret_uses u JOIN deployment_heads h ON h.config_id = u.config_id AND h.version = u.version
   WHERE u.workspace_id = :workspace_id AND u.name = :name AND u.generate IS NOT NULL ORDER BY u.version DESC LIMIT 1`,
);

export const secretUseStore = { recordForVersion, selectRequiredBy, selectNeeded, selectGenerator };
