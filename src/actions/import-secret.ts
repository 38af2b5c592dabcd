import { copySecret } from "#actions/copy-secret.ts";
import { openKeys } from "#actions/secret-keys.ts";
import { ENCRYPTION_VERSION, NONCE_BYTES, openLegacyValue, sealValue } from "#core/envelope.ts";
import { LIMITS } from "#core/limits.ts";
import { toInstant } from "#core/runtime.ts";
import type { Secret } from "#core/secret.ts";
import { LegacySecretRecord } from "#core/secret-record.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { dataKeyStore } from "#store/data-key-store.ts";
import { secretKey } from "#store/secret-copy.ts";
import { secretStore } from "#store/secret-store.ts";

type Of = { workspaceId: string; name: string };

/** `absent`: KV has no record of v0.1 under the name. `unreadable`: it has one that is not ours to open, or nobody's. */
export type ImportOutcome = "imported" | "absent" | "unreadable";

/**
 * Takes a record of v0.1 out of KV into D1, sealed anew, with the number and the times that it had. Only where D1 has never
 * had that name: a row that is deleted is a row, so nothing that was deleted here comes back from a stale KV. Answers
 * `imported` where the name is in D1 now. Without SECRET_MASTER_KEY_V1 there was no v0.1 here, and KV is not even read.
 */
export async function importSecret(deps: Deps, { workspaceId, name }: Of): Promise<ImportOutcome> {
  const { settings, secrets, log } = deps;
  if (!settings.SECRET_MASTER_KEY_V1) return "absent";
  const record = parseRecord(await secrets.get(secretKey(workspaceId, name)));
  if (!record || record.user_uuid !== workspaceId || record.name !== name) return "absent";
  const value = await openLegacyValue(settings.SECRET_MASTER_KEY_V1, record);
  if (!value.ok || value.value.sizeBytes === 0 || value.value.sizeBytes > LIMITS.secret_value_bytes_max.value) {
    log("secret.unreadable", { workspace_id: workspaceId, version: record.version, code: "v1" });
    return "unreadable";
  }
  const importing = { workspaceId, record, value: value.value };
  // a second time where the data key was replaced in between: else a set would begin again at version 1
  const isThere = (await commitImport(deps, importing)) || (await commitImport(deps, importing));
  return isThere ? "imported" : "unreadable";
}

function parseRecord(text: string | null): LegacySecretRecord | null {
  if (text === null) return null;
  try {
    return LegacySecretRecord.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

type Import = {
  workspaceId: string;
  record: LegacySecretRecord;
  value: Secret;
};

async function commitImport(deps: Deps, { workspaceId, record, value }: Import): Promise<boolean> {
  const { db, ids, clock, random } = deps;
  const { name, version } = record;
  const workspace_id = workspaceId;
  const keys = await openKeys(deps, workspaceId, await dataKeyStore.selectCurrent.all(db, { workspace_id }));
  const address = { workspaceId, name, version, dataKeyId: keys.encrypt.id };
  const sealed = await sealValue(keys.encrypt.key, { value, nonce: random(NONCE_BYTES), address });
  const id = ids.uuid();
  const entry = {
    id: ids.uuid(),
    workspaceId,
    at: toInstant(clock.now()),
    actor: "system:import",
    action: "secret.imported" as const,
    target: `secret:${name}`,
    payload: { version },
  };
  const results = await db.batch([
    ...keys.encrypt.mint,
    ...keys.fingerprint.mint,
    secretStore.insertImported.bind(db, {
      id: record.secret_id,
      workspace_id,
      name,
      data_key_id: keys.encrypt.id,
      version,
      size_bytes: value.sizeBytes,
      created_at: instant(record.created_at),
      updated_at: instant(record.updated_at),
      last_rotated_at: record.metadata.last_rotated_at && instant(record.metadata.last_rotated_at),
      rotation_count: record.metadata.rotation_count,
      change_id: ids.uuid(),
    }),
    // after the row of this very import, its version: the number before it is the guard
    secretStore.insertImportedVersion.bind(db, {
      ...sealed,
      id,
      workspace_id,
      name,
      secret_id: record.secret_id,
      version,
      data_key_id: keys.encrypt.id,
      encryption_version: ENCRYPTION_VERSION,
      size_bytes: value.sizeBytes,
      created_at: instant(record.updated_at),
      created_by: "system:import",
    }),
    await auditStore.forSecretVersion(db, entry, id),
    secretStore.selectByName.bind(db, { workspace_id, name }),
  ]);
  const row = secretStore.selectByName.rows(results.at(-1))[0];
  if (row) deps.after(copySecret(deps, row.id));
  return row !== undefined;
}

const instant = (text: string) => toInstant(new Date(text));
