import { statement } from "#store/statement.ts";

export type IdempotencyRow = { fingerprint: string; resource_id: string };

const select = statement<{ principal: string; route: string; key: string }, IdempotencyRow>(
  "SELECT fingerprint, resource_id FROM idempotency_keys WHERE principal = :principal AND route = :route AND key = :key",
);

type KeyOfVersion = {
  principal: string;
  route: string;
  key: string;
  fingerprint: string;
  version_id: string;
  workspace_id: string;
  created_at: string;
};

// No ON CONFLICT: of two requests with one key at the same moment, the second's whole batch must fail and be answered
// from the first's row.
const insert = statement<KeyOfVersion>(
  `INSERT INTO idempotency_keys (principal, route, key, fingerprint, resource_id, created_at)
   SELECT :principal, :route, :key, :fingerprint, id, :created_at FROM configuration_versions
   WHERE id = :version_id AND workspace_id = :workspace_id`,
);

const insertForSecret = statement<KeyOfVersion>(
  `INSERT INTO idempotency_keys (principal, route, key, fingerprint, resource_id, created_at)
   SELECT :principal, :route, :key, :fingerprint, id, :created_at FROM secret_versions
   WHERE id = :version_id AND workspace_id = :workspace_id`,
);

/** For a generator that the same batch made: the answer showed a token, so only the generator's id is kept. */
const insertForGenerator = statement<{
  principal: string;
  route: string;
  key: string;
  fingerprint: string;
  generator_id: string;
  workspace_id: string;
  change_id: string;
  created_at: string;
}>(
  `INSERT INTO idempotency_keys (principal, route, key, fingerprint, resource_id, created_at)
   SELECT :principal, :route, :key, :fingerprint, id, :created_at FROM generators
   WHERE id = :generator_id AND workspace_id = :workspace_id AND change_id = :change_id`,
);

const removeOlder = statement<{ before: string }>("DELETE FROM idempotency_keys WHERE created_at < :before", {
  crossesTenants: true,
});

export const idempotencyStore = { select, insert, insertForSecret, insertForGenerator, removeOlder };
