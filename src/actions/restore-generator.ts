import { type MadeGenerator, requireNotWider } from "#actions/create-generator.ts";
import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { RESTORE_DAYS, makeGeneratorToken } from "#core/generator.ts";
import { LIMITS } from "#core/limits.ts";
import type { Caller } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { generatorStore } from "#store/generator-store.ts";

/**
 * Brings a deleted generator back within 30 days, with a new token: the old ones may be the reason why it was deleted, and
 * stay dead. Deployments that went with it are restored by themselves.
 */
export async function restoreGenerator(deps: Deps, caller: Caller, id: string): Promise<MadeGenerator> {
  const { db, ids, clock } = deps;
  const of = { id, workspace_id: caller.workspaceId };
  const { principal, results } = await readAs(deps, { caller, permission: "generators:manage" }, [
    generatorStore.selectById.bind(db, of),
  ]);
  const row = generatorStore.selectById.rows(results[0])[0];
  if (!row) throw AppError.of("generator_not_found", { id });
  if (row.deleted_at === null) return { generator: row, token: null };
  const now = clock.now();
  const deletedAfter = toInstant(secondsAfter(now, -RESTORE_DAYS * 86_400));
  if (row.deleted_at <= deletedAfter) throw AppError.of("generator_gone", { days: RESTORE_DAYS });
  requireNotWider(caller, principal, JSON.parse(row.scopes) as string[]);

  const { token, hash } = await makeGeneratorToken({ workspaceId: row.workspace_id, generatorId: id }, deps.random(32));
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: toInstant(now),
    actor: principal.actor,
    action: "generator.restored" as const,
    target: `generator:${id}`,
    payload: { name: row.name },
  };
  const change = { ...of, change_id: entry.id, now: toInstant(now) };
  const generators_max = LIMITS.generators_max.value;
  const batch = await db.batch([
    generatorStore.restore.bind(db, { ...change, deleted_after: deletedAfter, generators_max }),
    generatorStore.insertToken.bind(db, { ...change, token_hash: hash }),
    await auditStore.forGenerator(db, entry, id),
    generatorStore.selectAll.bind(db, { workspace_id: of.workspace_id, deleted_after: null, limit: generators_max }),
  ]);
  const alive = generatorStore.selectAll.rows(batch.at(-1));
  const generator = alive.find((candidate) => candidate.id === id);
  if (generator?.change_id === entry.id) return { generator, token };
  if (generator) throw AppError.of("generator_changed", {});
  throw alive.some(({ name }) => name === row.name)
    ? AppError.of("generator_name_taken", { name: row.name })
    : AppError.of("generators_too_many", { limit: generators_max });
}
