import { copyPending } from "#actions/copy-secret.ts";
import { importSecret } from "#actions/import-secret.ts";
import { NONCE_BYTES, openValue, sealValue, unwrapKey, wrapKey } from "#core/envelope.ts";
import { causeText } from "#core/log.ts";
import { toInstant } from "#core/runtime.ts";
import type { Secret } from "#core/secret.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type DataKeyRow, dataKeyStore } from "#store/data-key-store.ts";
import { type ResealRow, type RotationRow, keyRotationStore } from "#store/key-rotation-store.ts";
import { secretKey } from "#store/secret-copy.ts";

/** One statement takes a page as one parameter: 100 of the largest values make 1.4 MB, and 2 MB is the limit. */
const ROWS_PER_PAGE = 100;
const PAGES_PER_SWEEP = 10;

/** What one page came to; `next` null: there is no further one. */
type Page = { next: string | null };

/**
 * Drives every rotation that is running, a few pages each minute. A page is one batch: a compare-and-set per row, and the
 * place of the next page. So it can end anywhere: a page was done or it was not, a value that is set at the same time is
 * sealed under the new key by its own batch, and two sweeps on one page do it once. A row that cannot be decrypted is counted and
 * left where it is, and keeps its old key from being erased.
 */
export async function driveRotations(deps: Deps): Promise<void> {
  for (const rotation of await keyRotationStore.selectRunning.all(deps.db, {})) {
    try {
      await drive(deps, rotation);
    } catch (cause) {
      deps.log("rotation.interrupted", { workspace_id: rotation.workspace_id, cause: causeText(cause) });
    }
  }
}

async function drive(deps: Deps, rotation: RotationRow): Promise<void> {
  let { cursor } = rotation;
  for (let page = 1; page <= PAGES_PER_SWEEP; page++) {
    const { next } = await turn(deps, { ...rotation, cursor });
    if (next === null) return finish(deps, rotation);
    cursor = next;
  }
}

function turn(deps: Deps, rotation: RotationRow): Promise<Page> {
  switch (rotation.kind) {
    case "rewrap":
      return rewrapPage(deps, rotation);
    case "reencrypt":
      return reencryptPage(deps, rotation);
    case "import":
      return importPage(deps, rotation);
  }
}

async function rewrapPage(deps: Deps, rotation: RotationRow): Promise<Page> {
  const { db, settings, random, log } = deps;
  const ring = settings.SECRET_KEY_RING;
  const target = ring.find(({ kid }) => kid === rotation.new_key);
  if (!target) throw new Error("the ring no longer has the entry that this rotation wraps under");
  const of = { kid: target.kid, after: rotation.cursor, limit: ROWS_PER_PAGE };
  const rows = await dataKeyStore.selectWrappedByOthers.all(db, of);
  const rewrapped: object[] = [];
  for (const row of rows) {
    const address = { workspaceId: row.workspace_id, keyId: row.id, purpose: row.purpose };
    const key = await unwrapKey(ring, row, address);
    if (!key.ok) {
      log("key.unreadable", { workspace_id: row.workspace_id, code: key.error });
      continue;
    }
    const wrapped = await wrapKey(target, { key: key.value, nonce: random(NONCE_BYTES), address });
    rewrapped.push({ ...wrapped, id: row.id, old_kid: row.kid });
  }
  const last = rows.at(-1);
  if (!last) return { next: null };
  await db.batch([
    dataKeyStore.rewrap.bind(db, { keys: JSON.stringify(rewrapped) }),
    advance(deps, rotation, { cursor: last.id, done: rewrapped.length, failed: rows.length - rewrapped.length }),
  ]);
  return { next: last.id };
}

async function reencryptPage(deps: Deps, rotation: RotationRow): Promise<Page> {
  const { db, ids } = deps;
  const { workspace_id, new_key } = rotation;
  if (new_key === null) throw new Error("a re-encryption without a key");
  const of = { workspace_id, new_key, after: rotation.cursor, limit: ROWS_PER_PAGE };
  const rows = await keyRotationStore.selectToReseal.all(db, of);
  const last = rows.at(-1);
  if (!last) return { next: null };
  const keys = new Map<string, Secret>();
  for (const id of new Set([new_key, ...rows.map(({ data_key_id }) => data_key_id)]))
    keys.set(id, await dataKey(deps, { workspace_id, id }));
  const resealed: (ResealRow | null)[] = [];
  for (const row of rows) resealed.push(await resealRow(deps, row, { workspaceId: workspace_id, keys, new_key }));
  const done = resealed.filter((row) => row !== null);
  const values = JSON.stringify(done);
  await db.batch([
    keyRotationStore.reseal.bind(db, { workspace_id, new_key, values }),
    keyRotationStore.markUncopied.bind(db, { workspace_id, change_id: ids.uuid(), values }),
    advance(deps, rotation, { cursor: last.id, done: done.length, failed: rows.length - done.length }),
  ]);
  await copyPending(deps, ROWS_PER_PAGE);
  return { next: last.id };
}

async function dataKey(deps: Deps, of: { workspace_id: string; id: string }): Promise<Secret> {
  const row: DataKeyRow | null = await dataKeyStore.selectOne.first(deps.db, of);
  const address = { workspaceId: of.workspace_id, keyId: of.id, purpose: "encrypt" as const };
  const key = row && (await unwrapKey(deps.settings.SECRET_KEY_RING, row, address));
  if (!key?.ok) throw new Error(`a data key of the rotation cannot be unwrapped: ${key?.error ?? "it is gone"}`);
  return key.value;
}

type Move = { workspaceId: string; keys: ReadonlyMap<string, Secret>; new_key: string };

/** The same value, bound to the same name and version, under the new key; null where it cannot be opened. */
async function resealRow(deps: Deps, row: ResealRow, { workspaceId, keys, new_key }: Move): Promise<ResealRow | null> {
  const from = keys.get(row.data_key_id);
  const to = keys.get(new_key);
  if (!from || !to) throw new Error("a key of this page was not opened");
  const address = { workspaceId, name: row.name, version: row.version };
  const value = await openValue(from, row, { ...address, dataKeyId: row.data_key_id });
  if (!value.ok) {
    deps.log("secret.unreadable", { workspace_id: workspaceId, version: row.version, code: value.error });
    return null;
  }
  const sealed = await sealValue(to, {
    value: value.value,
    nonce: deps.random(NONCE_BYTES),
    address: { ...address, dataKeyId: new_key },
  });
  return { ...row, ...sealed };
}

/** Looks at the records that KV lists; each import is a batch of its own, and done again does nothing. */
async function importPage(deps: Deps, rotation: RotationRow): Promise<Page> {
  const prefix = secretKey("", "").slice(0, -1);
  const listed = await deps.secrets.list({
    prefix,
    limit: ROWS_PER_PAGE,
    ...(rotation.cursor !== "" && { cursor: rotation.cursor }),
  });
  const counts = { imported: 0, absent: 0, unreadable: 0 };
  for (const { name: key } of listed.keys) {
    const [workspaceId = "", name = ""] = key.slice(prefix.length).split(":");
    counts[await importSecret(deps, { workspaceId, name })]++;
  }
  const next = listed.list_complete ? null : listed.cursor;
  await advance(deps, rotation, {
    cursor: next ?? rotation.cursor,
    done: counts.imported,
    failed: counts.unreadable,
  }).run();
  return { next };
}

const advance = (
  { db, clock }: Deps,
  { id, cursor: from_cursor }: RotationRow,
  to: { cursor: string; done: number; failed: number },
) => keyRotationStore.advance.bind(db, { id, from_cursor, ...to, now: toInstant(clock.now()) });

/** Erases the old key where nothing is under it any more, and says whether that is so; both asked in the batch itself. */
async function finish(deps: Deps, { id, kind, workspace_id }: RotationRow): Promise<void> {
  const { db, ids, clock, log } = deps;
  const now = toInstant(clock.now());
  if (kind === "reencrypt") await copyPending(deps, ROWS_PER_PAGE * PAGES_PER_SWEEP);
  const entry = {
    id: ids.uuid(),
    workspaceId: workspace_id,
    at: now,
    actor: "system:sweep",
    action: "rotation.ended" as const,
    target: `rotation:${id}`,
    payload: { kind },
  };
  const results = await db.batch([
    keyRotationStore.finish.bind(db, { id, now }),
    dataKeyStore.erase.bind(db, { workspace_id, rotation_id: id, now }),
    await auditStore.forRotationEnd(db, entry, id),
    keyRotationStore.selectOne.bind(db, { id }),
  ]);
  const state = keyRotationStore.selectOne.rows(results.at(-1))[0]?.state ?? "";
  log("rotation.ended", { workspace_id, state });
}
