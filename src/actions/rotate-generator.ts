import { type MadeGenerator, requireNotWider } from "#actions/create-generator.ts";
import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { makeGeneratorToken } from "#core/generator.ts";
import type { Caller } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { generatorStore } from "#store/generator-store.ts";

/**
 * Gives a generator a new token. The old one ends at once, or after `overlapSeconds`, so that a pipeline can be changed
 * over without a gap. Refused for somebody whose role is less than the generator's scopes: the token would widen them.
 * Safe to repeat: a second rotation only retires the first one's token too.
 */
export async function rotateGenerator(
  deps: Deps,
  caller: Caller,
  { id, overlapSeconds }: { id: string; overlapSeconds: number },
): Promise<MadeGenerator> {
  const { db, ids, clock } = deps;
  const of = { id, workspace_id: caller.workspaceId };
  const { principal, results } = await readAs(deps, { caller, permission: "generators:manage" }, [
    generatorStore.selectById.bind(db, of),
  ]);
  const row = generatorStore.selectById.rows(results[0])[0];
  if (!row || row.deleted_at !== null) throw AppError.of("generator_not_found", { id });
  requireNotWider(caller, principal, JSON.parse(row.scopes) as string[]);

  const now = clock.now();
  const { token, hash } = await makeGeneratorToken({ workspaceId: row.workspace_id, generatorId: id }, deps.random(32));
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: toInstant(now),
    actor: principal.actor,
    action: "generator.rotated" as const,
    target: `generator:${id}`,
    payload: { name: row.name, overlap_seconds: overlapSeconds },
  };
  const change = { ...of, change_id: entry.id, now: toInstant(now) };
  const batch = await db.batch([
    generatorStore.rotate.bind(db, { ...change, seen: row.change_id }),
    generatorStore.retireTokens.bind(db, { ...change, until: toInstant(secondsAfter(now, overlapSeconds)) }),
    generatorStore.removeTokens.bind(db, { ...change, before: toInstant(now) }),
    generatorStore.insertToken.bind(db, { ...change, token_hash: hash }),
    await auditStore.forGenerator(db, entry, id),
    generatorStore.selectById.bind(db, of),
  ]);
  const generator = generatorStore.selectById.rows(batch.at(-1))[0];
  if (generator?.change_id !== entry.id) throw AppError.of("generator_changed", {});
  return { generator, token };
}
