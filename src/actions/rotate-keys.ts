import { readAs } from "#actions/read-as.ts";
import { mintKey } from "#actions/secret-keys.ts";
import { AppError } from "#core/errors.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { dataKeyStore } from "#store/data-key-store.ts";
import { type RotationRow, keyRotationStore } from "#store/key-rotation-store.ts";

/** `rewrap`: all data keys under the first entry of the ring. `reencrypt`: one workspace's values under a new data key. */
export type StartRotation = { kind: "rewrap" | "import" } | { kind: "reencrypt"; workspaceId: string };

const ROTATIONS_SHOWN = 50;

/** Begins a rotation, which the sweep then drives to its end. For a re-encryption, nothing new is sealed under the old key from here on. */
export async function startRotation(deps: Deps, caller: Caller, wanted: StartRotation): Promise<RotationRow> {
  const { principal } = await readAs(deps, { caller, permission: "operator" });
  const { db, ids, settings } = deps;
  if (wanted.kind === "import" && !settings.SECRET_MASTER_KEY_V1)
    throw AppError.of("not_configured", { names: "SECRET_MASTER_KEY_V1" });
  const id = ids.uuid();
  const results = await db.batch([
    ...(await (wanted.kind === "reencrypt"
      ? reencryption(deps, principal, { id, workspaceId: wanted.workspaceId })
      : rotationOfAll(deps, principal, { id, kind: wanted.kind }))),
    keyRotationStore.selectOne.bind(db, { id }),
  ]);
  const row = keyRotationStore.selectOne.rows(results.at(-1))[0];
  if (row) return row;
  const running = await keyRotationStore.selectRunning.all(db, {});
  const workspaceId = wanted.kind === "reencrypt" ? wanted.workspaceId : "system";
  if (running.some((other) => other.kind === wanted.kind && other.workspace_id === workspaceId))
    throw AppError.of("rotation_running", {});
  throw AppError.of("workspace_not_found", {});
}

async function reencryption(
  deps: Deps,
  { actor }: Principal,
  { id, workspaceId }: { id: string; workspaceId: string },
): Promise<D1PreparedStatement[]> {
  const { db } = deps;
  const workspace_id = workspaceId;
  const fresh = await mintKey(deps, { workspaceId, purpose: "encrypt" });
  const now = toInstant(deps.clock.now());
  const rotation = { id, workspace_id, new_key: fresh.id, requested_by: actor, now };
  return [
    keyRotationStore.insertForWorkspace.bind(db, rotation),
    dataKeyStore.retire.bind(db, { workspace_id, rotation_id: id }),
    ...fresh.mint,
    await auditStore.forRotation(db, startEntry(deps, { actor, workspaceId, id, kind: "reencrypt" }), id),
  ];
}

async function rotationOfAll(
  deps: Deps,
  { actor }: Principal,
  { id, kind }: { id: string; kind: "rewrap" | "import" },
): Promise<D1PreparedStatement[]> {
  const { db, settings } = deps;
  const new_key = kind === "rewrap" ? (settings.SECRET_KEY_RING[0]?.kid ?? null) : null;
  const rotation = { id, kind, new_key, requested_by: actor, now: toInstant(deps.clock.now()) };
  return [
    keyRotationStore.insertForAll.bind(db, rotation),
    await auditStore.forRotation(db, startEntry(deps, { actor, workspaceId: "system", id, kind }), id),
  ];
}

const startEntry = (
  { ids, clock }: Deps,
  { actor, workspaceId, id, kind }: { actor: string; workspaceId: string; id: string; kind: string },
) => ({
  id: ids.uuid(),
  workspaceId,
  at: toInstant(clock.now()),
  actor,
  action: "rotation.started" as const,
  target: `rotation:${id}`,
  payload: { kind },
});

export type RotationProgress = RotationRow & { remaining: number };

export async function readRotation(deps: Deps, caller: Caller, id: string): Promise<RotationProgress> {
  const { results } = await readAs(deps, { caller, permission: "operator" }, [
    keyRotationStore.selectOne.bind(deps.db, { id }),
    keyRotationStore.countRemaining.bind(deps.db, { id }),
  ]);
  const [row] = keyRotationStore.selectOne.rows(results[0]);
  if (!row) throw AppError.of("rotation_not_found", {});
  return { ...row, remaining: keyRotationStore.countRemaining.rows(results[1])[0]?.n ?? 0 };
}

export type KeysInUse = { kid: string; keys: number; is_in_ring: boolean; is_first: boolean };

/** The newest rotations, and which entries of the ring are in use: one with no keys may be taken out of it. */
export async function listRotations(
  deps: Deps,
  caller: Caller,
): Promise<{ rotations: RotationRow[]; ring: KeysInUse[] }> {
  const { results } = await readAs(deps, { caller, permission: "operator" }, [
    keyRotationStore.selectPage.bind(deps.db, { limit: ROTATIONS_SHOWN }),
    dataKeyStore.countByKid.bind(deps.db, {}),
  ]);
  const counts = new Map(dataKeyStore.countByKid.rows(results[1]).map(({ kid, keys }) => [kid, keys]));
  const inRing = deps.settings.SECRET_KEY_RING.map(({ kid }) => kid);
  const ring = [...new Set([...inRing, ...counts.keys()])].map((kid) => ({
    kid,
    keys: counts.get(kid) ?? 0,
    is_in_ring: inRing.includes(kid),
    is_first: inRing[0] === kid,
  }));
  return { rotations: keyRotationStore.selectPage.rows(results[0]), ring };
}
