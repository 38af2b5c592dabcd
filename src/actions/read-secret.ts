import { importSecret } from "#actions/import-secret.ts";
import { readAs } from "#actions/read-as.ts";
import { openKey } from "#actions/secret-keys.ts";
import { openValue } from "#core/envelope.ts";
import { AppError } from "#core/errors.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Secret } from "#core/secret.ts";
import { isSecretName } from "#core/secret-value.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type SealedVersionRow, secretStore } from "#store/secret-store.ts";

export type ReadSecret = { name: string; value: Secret; version: number };

/**
 * A value, from D1 only. Two round trips: the first authenticates and finds the version; the second gives the ciphertext
 * out, in the batch of the audit row that says so, and only where the secret is not deleted at that moment.
 */
export async function readSecret(
  deps: Deps,
  caller: Caller,
  { name, version }: { name: string; version: number | null },
): Promise<ReadSecret> {
  if (!isSecretName(name)) throw AppError.of("invalid_secret_name", {});
  const { db } = deps;
  const of = { workspace_id: caller.workspaceId, name };
  const reads = () => [secretStore.selectByName.bind(db, of), secretStore.selectSealed.bind(db, { ...of, version })];
  let { principal, results } = await readAs(deps, { caller, permission: "secrets:read" }, reads());
  if (secretStore.selectByName.rows(results[0]).length === 0) {
    const outcome = await importSecret(deps, { workspaceId: caller.workspaceId, name });
    if (outcome === "imported")
      ({ principal, results } = await readAs(deps, { caller, permission: "secrets:read" }, reads()));
  }
  const [row] = secretStore.selectByName.rows(results[0]);
  if (!row || row.deleted_at !== null) throw AppError.of("secret_not_found", { name });
  const [found] = secretStore.selectSealed.rows(results[1]);
  if (!found) throw AppError.of("secret_version_not_found", { version: version ?? row.version });
  const sealed = await takeAudited(deps, principal, found);
  if (!sealed) throw AppError.of("secret_not_found", { name });
  return { name, value: await open(deps, caller.workspaceId, sealed), version: sealed.version };
}

/** The ciphertext with its audit row, or neither: it was deleted in between. */
async function takeAudited(
  { db, ids, clock }: Deps,
  principal: Principal,
  { name, version, version_id }: SealedVersionRow,
): Promise<SealedVersionRow | null> {
  const of = { workspace_id: principal.workspaceId, name };
  const now = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: "secret.read" as const,
    target: `secret:${name}`,
    payload: { version, device: principal.deviceId },
  };
  const results = await db.batch([
    secretStore.touch.bind(db, { ...of, version_id, now }),
    await auditStore.forSecretRead(db, entry, version_id),
    secretStore.selectSealed.bind(db, { ...of, version }),
  ]);
  return secretStore.selectSealed.rows(results[2])[0] ?? null;
}

async function open(deps: Deps, workspaceId: string, sealed: SealedVersionRow): Promise<Secret> {
  const { name, version, data_key_id: dataKeyId } = sealed;
  const wrapped = { kid: sealed.kid, wrapped_key: sealed.wrapped_key, nonce: sealed.key_nonce };
  const key = await openKey(deps, wrapped, { workspaceId, keyId: dataKeyId, purpose: "encrypt" });
  const value = await openValue(key, sealed, { workspaceId, name, version, dataKeyId });
  if (value.ok) return value.value;
  deps.log("secret.unreadable", { workspace_id: workspaceId, version, code: value.error });
  throw AppError.of("secret_unreadable", {});
}
