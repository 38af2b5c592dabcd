import { copySecret } from "#actions/copy-secret.ts";
import { importSecret } from "#actions/import-secret.ts";
import { readAs } from "#actions/read-as.ts";
import { type WorkspaceKeys, openKeys } from "#actions/secret-keys.ts";
import { toBase64 } from "#core/base64.ts";
import { ENCRYPTION_VERSION, NONCE_BYTES, fingerprint, sealValue } from "#core/envelope.ts";
import { AppError } from "#core/errors.ts";
import { canonicalJson } from "#core/json.ts";
import { LIMITS } from "#core/limits.ts";
import { causeText } from "#core/log.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Secret } from "#core/secret.ts";
import { isSecretName } from "#core/secret-value.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { dataKeyStore } from "#store/data-key-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { type SecretRow, type SetSecretRow, secretStore } from "#store/secret-store.ts";

/**
 * What is set: a value, or how it is to be made. `isNew` refuses to replace; `key` is the Idempotency-Key and `route` what it counts for.
 */
export type SetSecret = {
  name: string;
  value: Secret;
  /** Made here, so that a repeated request cannot be told by its value. */
  isGenerated: boolean;
  isNew: boolean;
  route: string;
  key: string | undefined;
};

export type SecretSet = { set: SetSecretRow; isCreated: boolean; isReplay: boolean };

/** Each lost round means that another set of this name, or a rotation, came first. */
const ATTEMPTS_MAX = 50;

/**
 * Stores a value as the next version of its name. The version is part of what the ciphertext is bound to, so it is sealed
 * for the version after the one that was read, and the batch is guarded by it: whoever lost the race seals again.
 */
export async function setSecret(deps: Deps, caller: Caller, wanted: SetSecret): Promise<SecretSet> {
  if (!isSecretName(wanted.name)) throw AppError.of("invalid_secret_name", {});
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const done = await attemptSet(deps, caller, wanted);
    if (done) return done;
  }
  throw AppError.of("write_contended", {});
}

async function attemptSet(deps: Deps, caller: Caller, wanted: SetSecret): Promise<SecretSet | null> {
  const { db } = deps;
  const { name, route, key } = wanted;
  const of = { workspace_id: caller.workspaceId, name };
  const { principal, results } = await readAs(deps, { caller, permission: "secrets:write" }, [
    secretStore.selectByName.bind(db, of),
    dataKeyStore.selectCurrent.bind(db, { workspace_id: caller.workspaceId }),
    idempotencyStore.select.bind(db, { principal: caller.actor, route, key: key ?? "" }),
  ]);
  const current = secretStore.selectByName.rows(results[0])[0] ?? null;
  const keys = await openKeys(deps, caller.workspaceId, dataKeyStore.selectCurrent.rows(results[1]));
  const request = key === undefined ? null : { route, key, fingerprint: await fingerprintOf(keys, principal, wanted) };
  const used = idempotencyStore.select.rows(results[2])[0];
  if (request && used) {
    if (used.fingerprint !== request.fingerprint) throw AppError.of("idempotency_key_reused", {});
    return replayOf(deps, principal, used.resource_id);
  }
  const isImported = !current && (await importSecret(deps, { workspaceId: caller.workspaceId, name })) === "imported";
  if (isImported) return null;
  const isLive = current !== null && current.deleted_at === null;
  if (wanted.isNew && isLive) throw AppError.of("secret_exists", { name });
  if (!current) await requireRoom(deps, caller.workspaceId);
  return commitSet(deps, principal, { wanted, current, keys, request });
}

/** Equal requests have equal fingerprints, and without the workspace's key nobody can try values against one. */
const fingerprintOf = (keys: WorkspaceKeys, { workspaceId }: Principal, { name, value, isGenerated }: SetSecret) =>
  fingerprint(
    keys.fingerprint.key,
    canonicalJson([workspaceId, name, isGenerated ? { generated: true } : toBase64(value.reveal())]),
  );

async function replayOf(deps: Deps, { workspaceId }: Principal, versionId: string): Promise<SecretSet> {
  const set = await secretStore.selectSet.first(deps.db, { workspace_id: workspaceId, version_id: versionId });
  if (!set) throw AppError.of("storage_unavailable", {});
  return { set, isCreated: set.is_first === 1, isReplay: true };
}

async function requireRoom({ db }: Deps, workspaceId: string): Promise<void> {
  const limit = LIMITS.secrets_max.value;
  const found = await secretStore.count.first(db, { workspace_id: workspaceId });
  if ((found?.n ?? 0) >= limit) throw AppError.of("too_many_secrets", { limit });
}

type Commit = {
  wanted: SetSecret;
  current: SecretRow | null;
  keys: WorkspaceKeys;
  request: { route: string; key: string; fingerprint: string } | null;
};

/** Null where the guard failed: another version came first, or the key is being replaced. Nothing was written then. */
async function commitSet(deps: Deps, principal: Principal, commit: Commit): Promise<SecretSet | null> {
  const { db, ids, log } = deps;
  const workspace_id = principal.workspaceId;
  const versionId = ids.uuid();
  const statements = await setStatements(deps, principal, { ...commit, versionId });
  const readBack = secretStore.selectSet.bind(db, { workspace_id, version_id: versionId });
  let set: SetSecretRow | undefined;
  try {
    const results = await db.batch([...statements, readBack]);
    set = secretStore.selectSet.rows(results.at(-1))[0];
  } catch (cause) {
    // Its twin with the same Idempotency-Key came first: the next round finds the key. Else the answer was lost; was it done?
    if (/idempotency_keys/.test(causeText(cause))) return null;
    log("commit.failed", { workspace_id, version_id: versionId, cause: causeText(cause) });
    set = (await secretStore.selectSet.first(db, { workspace_id, version_id: versionId })) ?? undefined;
    if (!set) throw AppError.of("storage_unavailable", {}, { cause });
  }
  if (!set) return null;
  deps.after(copySecret(deps, set.secret_id));
  return { set, isCreated: set.is_first === 1, isReplay: false };
}

async function setStatements(
  { db, ids, clock, random }: Deps,
  principal: Principal,
  { wanted, current, keys, request, versionId }: Commit & { versionId: string },
): Promise<D1PreparedStatement[]> {
  const { workspaceId: workspace_id, actor } = principal;
  const { name, value } = wanted;
  const now = toInstant(clock.now());
  const parent = current?.version ?? 0;
  const address = { workspaceId: workspace_id, name, version: parent + 1, dataKeyId: keys.encrypt.id };
  const sealed = await sealValue(keys.encrypt.key, { value, nonce: random(NONCE_BYTES), address });
  const change_id = ids.uuid();
  const of = { workspace_id, version_id: versionId };
  const guard = { workspace_id, name, data_key_id: keys.encrypt.id };
  const entry = {
    id: ids.uuid(),
    workspaceId: workspace_id,
    at: now,
    actor,
    action: "secret.set" as const,
    target: `secret:${name}`,
    payload: { version: parent + 1, generated: wanted.isGenerated, device: principal.deviceId },
  };
  return [
    ...keys.encrypt.mint,
    ...keys.fingerprint.mint,
    ...(current
      ? []
      : [
          secretStore.insert.bind(db, {
            ...guard,
            id: ids.uuid(),
            change_id,
            now,
            secrets_max: LIMITS.secrets_max.value,
          }),
        ]),
    secretStore.insertVersion.bind(db, {
      ...guard,
      ...sealed,
      id: versionId,
      parent,
      encryption_version: ENCRYPTION_VERSION,
      size_bytes: value.sizeBytes,
      created_at: now,
      created_by: actor,
    }),
    secretStore.eraseOlder.bind(db, of),
    secretStore.followVersion.bind(db, { ...of, change_id }),
    ...(request
      ? [idempotencyStore.insertForSecret.bind(db, { ...request, ...of, principal: actor, created_at: now })]
      : []),
    await auditStore.forSecretVersion(db, entry, versionId),
  ];
}
