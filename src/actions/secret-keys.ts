import { AppError } from "#core/errors.ts";
import { KEY_BYTES, type KeyPurpose, NONCE_BYTES, type WrappedKey, unwrapKey, wrapKey } from "#core/envelope.ts";
import { toInstant } from "#core/runtime.ts";
import { Secret } from "#core/secret.ts";
import type { Deps } from "#deps.ts";
import { type DataKeyRow, dataKeyStore } from "#store/data-key-store.ts";

/** A key in the clear. `mint` stores it where the workspace has none yet: for the batch that first uses it. */
export type OpenKey = { id: string; key: Secret; mint: D1PreparedStatement[] };
export type WorkspaceKeys = Record<KeyPurpose, OpenKey>;

/** The workspace's current keys, each minted where `rows` has none. */
export async function openKeys(deps: Deps, workspaceId: string, rows: readonly DataKeyRow[]): Promise<WorkspaceKeys> {
  const open = async (purpose: KeyPurpose): Promise<OpenKey> => {
    const row = rows.find((one) => one.purpose === purpose);
    if (!row) return mintKey(deps, { workspaceId, purpose });
    const address = { workspaceId, keyId: row.id, purpose };
    return { id: row.id, key: await openKey(deps, row, address), mint: [] };
  };
  return { encrypt: await open("encrypt"), fingerprint: await open("fingerprint") };
}

/** Unwraps by the ring, or refuses: then the ring lacks an entry that is still in use. */
export async function openKey(
  { settings, log }: Deps,
  wrapped: WrappedKey,
  address: { workspaceId: string; keyId: string; purpose: KeyPurpose },
): Promise<Secret> {
  const key = await unwrapKey(settings.SECRET_KEY_RING, wrapped, address);
  if (key.ok) return key.value;
  log("key.unreadable", { workspace_id: address.workspaceId, code: key.error });
  throw AppError.of("secret_unreadable", {});
}

export async function mintKey(
  { db, ids, clock, random, settings }: Deps,
  { workspaceId, purpose }: { workspaceId: string; purpose: KeyPurpose },
): Promise<OpenKey> {
  const [ringKey] = settings.SECRET_KEY_RING;
  if (!ringKey) throw AppError.of("not_configured", { names: "SECRET_KEY_RING" });
  const id = ids.uuid();
  const key = new Secret(random(KEY_BYTES));
  const address = { workspaceId, keyId: id, purpose };
  const wrapped = await wrapKey(ringKey, { key, nonce: random(NONCE_BYTES), address });
  const created_at = toInstant(clock.now());
  return {
    id,
    key,
    mint: [dataKeyStore.insert.bind(db, { ...wrapped, id, workspace_id: workspaceId, purpose, created_at })],
  };
}
