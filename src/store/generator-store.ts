import type { GeneratorPrincipalRow } from "#core/generator.ts";
import { type Take, takeSql } from "#store/rate-limit-store.ts";
import { statement } from "#store/statement.ts";

export type GeneratorRow = {
  id: string;
  workspace_id: string;
  user_uuid: string;
  name: string;
  description: string | null;
  scopes: string;
  namespaces: string;
  requests_per_hour: number;
  expires_at: string;
  change_id: string;
  created_at: string;
  rotated_at: string | null;
  last_used_at: string | null;
  deleted_at: string | null;
  configurations: number;
};

const columns = `g.*, (SELECT COUNT(*) FROM configurations c WHERE c.workspace_id = g.workspace_id
  AND c.created_by = 'generator:' || g.id AND c.deleted_at IS NULL) AS configurations`;

const selectById = statement<{ workspace_id: string; id: string }, GeneratorRow>(
  `SELECT ${columns} FROM generators g WHERE g.workspace_id = :workspace_id AND g.id = :id`,
);

/** Those that are alive, and with `deleted_after` also what can still be restored. */
const selectAll = statement<{ workspace_id: string; deleted_after: string | null; limit: number }, GeneratorRow>(
  `SELECT ${columns} FROM generators g
   WHERE g.workspace_id = :workspace_id AND (g.deleted_at IS NULL OR g.deleted_at > :deleted_after)
   ORDER BY g.name, g.created_at LIMIT :limit`,
);

// Nothing is inserted where the name is taken or the workspace is full: the statements after it then do nothing.
const insert = statement<{
  id: string;
  workspace_id: string;
  user_uuid: string;
  name: string;
  description: string | null;
  scopes: string;
  namespaces: string;
  requests_per_hour: number;
  expires_at: string;
  change_id: string;
  now: string;
  generators_max: number;
}>(
  `INSERT INTO generators (id, workspace_id, user_uuid, name, description, scopes, namespaces, requests_per_hour,
                           expires_at, change_id, created_at)
   SELECT :id, w.id, :user_uuid, :name, :description, :scopes, :namespaces, :requests_per_hour, :expires_at, :change_id, :now
   FROM workspaces w
   WHERE w.id = :workspace_id
     AND NOT EXISTS (SELECT 1 FROM generators WHERE workspace_id = :workspace_id AND (id = :id
                     OR (name = :name AND deleted_at IS NULL)))
     AND (SELECT COUNT(*) FROM generators WHERE workspace_id = :workspace_id AND deleted_at IS NULL) < :generators_max`,
);

type Change = { workspace_id: string; id: string; change_id: string };
const isChanged = `EXISTS (SELECT 1 FROM generators g WHERE g.id = :id AND g.workspace_id = :workspace_id
  AND g.change_id = :change_id)`;

const insertToken = statement<Change & { token_hash: string; now: string }>(
  `INSERT INTO generator_tokens (token_hash, generator_id, workspace_id, created_at)
   SELECT :token_hash, :id, :workspace_id, :now WHERE ${isChanged}
     AND NOT EXISTS (SELECT 1 FROM generator_tokens WHERE token_hash = :token_hash)`,
);

// `seen` is the change that the caller has read: of two rotations at once, one wins and the other is told.
const rotate = statement<Change & { seen: string; now: string }>(
  `UPDATE generators SET change_id = :change_id, rotated_at = :now
   WHERE id = :id AND workspace_id = :workspace_id AND change_id = :seen AND deleted_at IS NULL`,
);
const retireTokens = statement<Change & { until: string }>(
  `UPDATE generator_tokens SET not_after = :until
   WHERE generator_id = :id AND workspace_id = :workspace_id AND (not_after IS NULL OR not_after > :until) AND ${isChanged}`,
);
const removeTokens = statement<Change & { before: string | null }>(
  `DELETE FROM generator_tokens WHERE generator_id = :id AND workspace_id = :workspace_id
     AND (:before IS NULL OR not_after < :before) AND ${isChanged}`,
);

const remove = statement<Change & { now: string }>(
  `UPDATE generators SET change_id = :change_id, deleted_at = :now
   WHERE id = :id AND workspace_id = :workspace_id AND deleted_at IS NULL`,
);

const restore = statement<Change & { deleted_after: string; generators_max: number }>(
  `UPDATE generators SET change_id = :change_id, deleted_at = NULL
   WHERE id = :id AND workspace_id = :workspace_id AND deleted_at > :deleted_after
     AND NOT EXISTS (SELECT 1 FROM generators o WHERE o.workspace_id = :workspace_id AND o.name = generators.name
                     AND o.deleted_at IS NULL)
     AND (SELECT COUNT(*) FROM generators o WHERE o.workspace_id = :workspace_id AND o.deleted_at IS NULL) < :generators_max`,
);

// At most one write per generator and five minutes, however often it asks.
const touch = statement<{ workspace_id: string; id: string; now: string; stale_before: string }>(
  `UPDATE generators SET last_used_at = :now
   WHERE id = :id AND workspace_id = :workspace_id AND (last_used_at IS NULL OR last_used_at < :stale_before)`,
);

type OfToken = { token_hash: string; generator_id: string; workspace_id: string };
const byToken = `FROM generator_tokens t JOIN generators g ON g.id = t.generator_id
   WHERE t.token_hash = :token_hash AND g.id = :generator_id AND g.workspace_id = :workspace_id AND g.deleted_at IS NULL`;

/** The generator behind a token with its maker's role: revocation, expiry and demotion hold from the next request on. */
const selectPrincipal = statement<OfToken, GeneratorPrincipalRow>(
  `SELECT x.*, u.tailscale_email AS login, m.role, w.epoch FROM (
     SELECT g.user_uuid, g.workspace_id, g.scopes, g.namespaces, g.requests_per_hour, g.expires_at, t.not_after, g.last_used_at
     ${byToken}) x
   JOIN users u ON u.user_uuid = x.user_uuid JOIN workspaces w ON w.id = x.workspace_id
   LEFT JOIN memberships m ON m.workspace_id = x.workspace_id AND m.user_uuid = x.user_uuid`,
);

/** A generator's own number, as long as its token counts. */
const take = statement<Take & OfToken & { now: string }>(
  takeSql({
    max: "(SELECT requests_per_hour FROM generators WHERE id = :generator_id AND workspace_id = :workspace_id)",
    where: `EXISTS (SELECT 1 ${byToken} AND g.expires_at > :now AND (t.not_after IS NULL OR t.not_after > :now))`,
  }),
);

export type CascadeRow = {
  config_id: string;
  namespace: string;
  deployment_name: string;
  version: number;
  is_active: number;
  versions_by_others: number;
};

/** The deployments that a generator created and that are still there: what `cascade` would delete. */
const selectCascade = statement<{ workspace_id: string; actor: string; limit: number }, CascadeRow>(
  `SELECT c.id AS config_id, c.namespace, c.deployment_name, c.version, c.is_active,
     (SELECT COUNT(*) FROM configuration_versions v WHERE v.config_id = c.id AND v.workspace_id = :workspace_id
        AND v.created_by <> :actor) AS versions_by_others
   FROM configurations c
   WHERE c.workspace_id = :workspace_id AND c.created_by = :actor AND c.deleted_at IS NULL
   ORDER BY c.namespace, c.deployment_name LIMIT :limit`,
);

export const generatorStore = {
  selectById,
  selectAll,
  insert,
  insertToken,
  rotate,
  retireTokens,
  removeTokens,
  remove,
  restore,
  touch,
  selectPrincipal,
  take,
  selectCascade,
};
