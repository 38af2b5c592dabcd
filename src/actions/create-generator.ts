import { type IdempotentRequest, idempotentRequest, selectKey } from "#actions/idempotency.ts";
import { asDevice, readAs } from "#actions/read-as.ts";
import { rateOf } from "#actions/limit-statements.ts";
import { AppError } from "#core/errors.ts";
import { makeGeneratorToken } from "#core/generator.ts";
import { LIMITS } from "#core/limits.ts";
import { type Permission, mayBeGenerators, roleHas, scopeHas } from "#core/permissions.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { type GeneratorRow, generatorStore } from "#store/generator-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";

export type CreateGenerator = {
  name: string;
  description?: string | undefined;
  scopes: Permission[];
  namespaces: string[];
  expires_in_days: number;
  requests_per_hour?: number | undefined;
};

/** `token` is shown in this one answer; null where the same request was answered before. */
export type MadeGenerator = { generator: GeneratorRow; token: string | null };

const DAY_SECONDS = 86_400;

/**
 * Makes a machine identity that may never do more than the person who makes it: neither now (the scopes are held against
 * the person's token and role) nor later (the role is read again with each request). The token is stored as its hash.
 */
export async function createGenerator(
  deps: Deps,
  caller: Caller,
  { input, key }: { input: CreateGenerator; key: string | undefined },
): Promise<MadeGenerator> {
  const body = { ...input, description: input.description ?? null, requests_per_hour: input.requests_per_hour ?? null };
  const request = await idempotentRequest(`${caller.workspaceId} POST /generators`, key, body);
  const { principal, results } = await readAs(deps, { caller, permission: "generators:manage" }, [
    selectKey(deps.db, caller.actor, request),
  ]);
  const used = idempotencyStore.select.rows(results[0])[0];
  if (request && used) {
    if (used.fingerprint !== request.fingerprint) throw AppError.of("idempotency_key_reused", {});
    return { generator: await readGeneratorRow(deps, principal, used.resource_id), token: null };
  }
  requireNotWider(caller, principal, input.scopes);

  return commitGenerator(deps, principal, { input, request });
}

/** Generator, token, audit row and key in one batch; a name that is taken, or a workspace that is full, writes nothing. */
async function commitGenerator(
  deps: Deps,
  principal: Principal,
  { input, request }: { input: CreateGenerator; request: IdempotentRequest | null },
): Promise<MadeGenerator> {
  const { db, ids, clock } = deps;
  const { name, description = null, scopes, namespaces, expires_in_days: days } = input;
  const id = ids.uuid();
  const now = clock.now();
  const { token, hash } = await makeGeneratorToken(
    { workspaceId: principal.workspaceId, generatorId: id },
    deps.random(32),
  );
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: toInstant(now),
    actor: principal.actor,
    action: "generator.created" as const,
    target: `generator:${id}`,
    payload: { name, scopes, namespaces },
  };
  const change = { id, workspace_id: principal.workspaceId, change_id: entry.id, now: toInstant(now) };
  const batch = await db.batch([
    generatorStore.insert.bind(db, {
      ...change,
      user_uuid: principal.userUuid,
      name,
      description,
      scopes: JSON.stringify(scopes.toSorted()),
      namespaces: JSON.stringify(namespaces.toSorted()),
      requests_per_hour: input.requests_per_hour ?? rateOf(deps, "generator_requests").max,
      expires_at: toInstant(secondsAfter(now, days * DAY_SECONDS)),
      generators_max: LIMITS.generators_max.value,
    }),
    generatorStore.insertToken.bind(db, { ...change, token_hash: hash }),
    await auditStore.forGenerator(db, entry, id),
    ...(request
      ? [
          idempotencyStore.insertForGenerator.bind(db, {
            ...request,
            principal: principal.actor,
            generator_id: id,
            workspace_id: principal.workspaceId,
            change_id: entry.id,
            created_at: toInstant(now),
          }),
        ]
      : []),
    generatorStore.selectAll.bind(db, {
      workspace_id: principal.workspaceId,
      deleted_after: null,
      limit: LIMITS.generators_max.value,
    }),
  ]);
  const alive = generatorStore.selectAll.rows(batch.at(-1));
  const generator = alive.find((row) => row.id === id);
  if (generator) return { generator, token };
  throw alive.some((row) => row.name === name)
    ? AppError.of("generator_name_taken", { name })
    : AppError.of("generators_too_many", { limit: LIMITS.generators_max.value });
}

/** Nobody gives away what they do not have, by their token or by their role. */
export function requireNotWider(caller: Caller, principal: Principal, scopes: readonly string[]): void {
  const { claims } = asDevice(caller);
  for (const scope of scopes as readonly Permission[])
    if (!mayBeGenerators(scope) || !scopeHas(claims.scope, scope) || !roleHas(principal.role, scope))
      throw AppError.of("generator_too_wide", { scope });
}

export async function readGeneratorRow(deps: Deps, principal: Principal, id: string): Promise<GeneratorRow> {
  const row = await generatorStore.selectById.first(deps.db, { workspace_id: principal.workspaceId, id });
  if (!row) throw AppError.of("generator_not_found", { id });
  return row;
}
