import { sha256Hex } from "#core/digest.ts";
import { AppError } from "#core/errors.ts";
import { type Json, canonicalJson } from "#core/json.ts";
import type { Principal } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { type IdempotencyRow, idempotencyStore } from "#store/idempotency-store.ts";
import { type Version, versionStore } from "#store/version-store.ts";

/** A request's Idempotency-Key with the digest of what it asked. Keys count per caller, workspace and route. */
export type IdempotentRequest = { route: string; key: string; fingerprint: string };

export async function idempotentRequest(
  route: string,
  key: string | undefined,
  body: Json,
): Promise<IdempotentRequest | null> {
  return key === undefined ? null : { route, key, fingerprint: await sha256Hex(canonicalJson(body)) };
}

/** Reads whether this key was used; a statement that finds nothing stands in where there is no key. */
export const selectKey = (db: D1Database, actor: string, request: IdempotentRequest | null) =>
  idempotencyStore.select.bind(db, { principal: actor, route: request?.route ?? "", key: request?.key ?? "" });

/** The version that the first request with this key made, or null where the key is new. Another body is refused. */
export async function replayed(
  deps: Deps,
  principal: Principal,
  { request, row }: { request: IdempotentRequest | null; row: IdempotencyRow | undefined },
): Promise<Version | null> {
  if (!request || !row) return null;
  if (row.fingerprint !== request.fingerprint) throw AppError.of("idempotency_key_reused", {});
  const of = { id: row.resource_id, workspace_id: principal.workspaceId };
  const version = await versionStore.selectById.first(deps.db, of);
  return version && versionStore.fromRow(version);
}

/** As `replayed`, for the request that lost a race with its own twin: the row is there now. */
export async function replayedAfterRace(
  deps: Deps,
  principal: Principal,
  request: IdempotentRequest,
): Promise<Version> {
  const row = await idempotencyStore.select.first(deps.db, {
    principal: principal.actor,
    route: request.route,
    key: request.key,
  });
  const version = await replayed(deps, principal, { request, row: row ?? undefined });
  if (!version) throw AppError.of("storage_unavailable", {});
  return version;
}
