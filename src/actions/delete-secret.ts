import { copySecret } from "#actions/copy-secret.ts";
import { importSecret } from "#actions/import-secret.ts";
import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { isSecretName } from "#core/secret-value.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type SecretRow, secretStore } from "#store/secret-store.ts";

/** How long a deleted secret can be restored; then the sweep erases its values. */
export const RESTORABLE_SECONDS = 30 * 86_400;

/** The value is refused from the very next read on; its ciphertext stays for `RESTORABLE_SECONDS`. */
export async function deleteSecret(deps: Deps, caller: Caller, name: string): Promise<SecretRow> {
  let { principal, row } = await find(deps, caller, name);
  if (!row && (await importSecret(deps, { workspaceId: caller.workspaceId, name })) === "imported")
    ({ principal, row } = await find(deps, caller, name));
  if (!row || row.deleted_at !== null) throw AppError.of("secret_not_found", { name });
  const now = toInstant(deps.clock.now());
  const after = await change(deps, principal, {
    row,
    action: "secret.deleted",
    effects: (of) => [secretStore.softDelete.bind(deps.db, { ...of, now })],
  });
  if (!after) throw AppError.of("secret_not_found", { name });
  return after;
}

/** Gives a deleted name its newest value back. */
export async function undeleteSecret(deps: Deps, caller: Caller, name: string): Promise<SecretRow> {
  const { principal, row } = await find(deps, caller, name);
  if (!row) throw AppError.of("secret_not_found", { name });
  if (row.deleted_at === null) throw AppError.of("secret_not_deleted", { name });
  const deleted_after = toInstant(secondsAfter(deps.clock.now(), -RESTORABLE_SECONDS));
  const after = await change(deps, principal, {
    row,
    action: "secret.restored",
    effects: (of) => [secretStore.undelete.bind(deps.db, { ...of, deleted_after })],
  });
  if (!after) throw AppError.of("secret_not_restorable", { name });
  return after;
}

/** Erases every value of a deleted name, for good. The name and its numbers stay. */
export async function purgeSecret(deps: Deps, caller: Caller, name: string): Promise<SecretRow> {
  const { principal, row } = await find(deps, caller, name);
  if (!row) throw AppError.of("secret_not_found", { name });
  if (row.deleted_at === null) throw AppError.of("secret_not_deleted", { name });
  if (row.purged_at !== null) return row;
  const after = await change(deps, principal, { row, action: "secret.purged", effects: purging(deps) });
  if (!after) throw AppError.of("secret_not_deleted", { name });
  return after;
}

const EXPIRED_PER_SWEEP = 50;

/** Part of each sweep: erases what was deleted for longer than anybody may want it back. */
export async function purgeExpired(deps: Deps): Promise<void> {
  const deleted_before = toInstant(secondsAfter(deps.clock.now(), -RESTORABLE_SECONDS));
  const expired = await secretStore.selectExpired.all(deps.db, { deleted_before, limit: EXPIRED_PER_SWEEP });
  for (const { workspace_id, name } of expired)
    await change(
      deps,
      { workspaceId: workspace_id, actor: "system:sweep" },
      { row: { name }, action: "secret.purged", effects: purging(deps) },
    );
}

type Change = { workspace_id: string; name: string; change_id: string };

const purging =
  ({ db, clock }: Deps) =>
  (of: Change) => [
    secretStore.markPurged.bind(db, { ...of, now: toInstant(clock.now()) }),
    secretStore.erasePurged.bind(db, of),
  ];

async function find(
  deps: Deps,
  caller: Caller,
  name: string,
): Promise<{ principal: Principal; row: SecretRow | undefined }> {
  if (!isSecretName(name)) throw AppError.of("invalid_secret_name", {});
  const { principal, results } = await readAs(deps, { caller, permission: "secrets:write" }, [
    secretStore.selectByName.bind(deps.db, { workspace_id: caller.workspaceId, name }),
  ]);
  return { principal, row: secretStore.selectByName.rows(results[0])[0] };
}

type Wanted = {
  row: Pick<SecretRow, "name">;
  action: "secret.deleted" | "secret.restored" | "secret.purged";
  effects: (of: Change) => D1PreparedStatement[];
};

/** One batch: the effect, its audit row, and the row as it is then. Null where the guard failed and nothing was done. */
async function change(
  deps: Deps,
  who: Pick<Principal, "workspaceId" | "actor"> & { deviceId?: string | null },
  { row: { name }, action, effects }: Wanted,
): Promise<SecretRow | null> {
  const { db, ids, clock } = deps;
  const of = { workspace_id: who.workspaceId, name, change_id: ids.uuid() };
  const entry = {
    id: ids.uuid(),
    workspaceId: who.workspaceId,
    at: toInstant(clock.now()),
    actor: who.actor,
    action,
    target: `secret:${name}`,
    payload: { ...(typeof who.deviceId === "string" && { device: who.deviceId }) },
  };
  const results = await db.batch([
    ...effects(of),
    await auditStore.forSecretChange(db, entry, of),
    secretStore.selectByName.bind(db, of),
  ]);
  const row = secretStore.selectByName.rows(results.at(-1))[0];
  if (!row || row.change_id !== of.change_id) return null;
  deps.after(copySecret(deps, row.id));
  return row;
}
