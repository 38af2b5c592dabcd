import { describeSecret, listNeeded, listSecrets } from "#actions/list-secrets.ts";
import { createRoutes } from "#api/create-routes.ts";
import * as contract from "#api/secrets/contract.ts";
import { deletionView } from "#api/secrets/deletion-view.ts";
import { isStale, rotateBy } from "#core/staleness.ts";
import type { ListedSecretRow } from "#store/secret-store.ts";
import type { NeededSecretRow } from "#store/secret-use-store.ts";

const success = <T>(data: T) => ({ success: true as const, data });

/** What is known of secrets without opening one. */
export const secretFactRoutes = () =>
  createRoutes()
    .openapi(contract.listSecretsRoute, async (c) => {
      const deps = c.get("deps");
      const secrets = (await listSecrets(deps, c.get("caller"))).map((row) => factsView(row, deps.clock.now()));
      return c.json(success({ secrets, total_count: secrets.length }), 200);
    })
    .openapi(contract.describeSecretRoute, async (c) => {
      const deps = c.get("deps");
      const { secret, versions, requiredBy } = await describeSecret(deps, c.get("caller"), c.req.valid("param").name);
      const data = {
        ...factsView(secret, deps.clock.now()),
        ...deletionView(secret),
        secret_id: secret.id,
        access_count: secret.access_count,
        versions: versions.map(({ version, size_bytes, created_at, created_by, is_kept }) => ({
          version,
          size_bytes,
          created_at,
          created_by,
          is_kept: is_kept === 1,
        })),
        required_by: requiredBy.map(({ deployment_name, is_required, ...use }) => ({
          ...use,
          name: deployment_name,
          is_required: is_required === 1,
        })),
      };
      return c.json(success(data), 200);
    })
    .openapi(contract.listNeededRoute, async (c) => {
      const deps = c.get("deps");
      const name = { deployment_name: c.req.valid("param").name, namespace: c.req.valid("query").namespace };
      const { headVersion, needed } = await listNeeded(deps, c.get("caller"), name);
      const groups = Map.groupBy(needed, (row) => groupOf(row, deps.clock.now()));
      const group = (of: ReturnType<typeof groupOf>) => (groups.get(of) ?? []).map(neededView);
      const data = {
        version: headVersion,
        missing: group("missing"),
        stale: group("stale"),
        present: group("present"),
      };
      return c.json(success(data), 200);
    });

const factsView = (row: ListedSecretRow, now: Date) => {
  const rotate_by = rotateBy(row, row.rotation_days);
  return {
    name: row.name,
    version: row.version,
    size_bytes: row.size_bytes,
    created_at: row.created_at,
    updated_at: row.updated_at,
    last_rotated_at: row.last_rotated_at,
    rotation_count: row.rotation_count,
    last_accessed: row.last_accessed,
    rotation_days: row.rotation_days,
    rotate_by,
    is_stale: isStale(rotate_by, now),
  };
};

function groupOf(row: NeededSecretRow, now: Date): "missing" | "stale" | "present" {
  if (row.version === null || row.created_at === null) return "missing";
  return isStale(neededBy(row), now) ? "stale" : "present";
}

const neededBy = ({ created_at, last_rotated_at, rotation_days }: NeededSecretRow) =>
  created_at === null ? null : rotateBy({ created_at, last_rotated_at }, rotation_days);

const neededView = (row: NeededSecretRow) => ({
  name: row.name,
  decision: row.decision,
  is_required: row.is_required === 1,
  can_generate: row.generate !== null,
  version: row.version,
  rotate_by: neededBy(row),
});
