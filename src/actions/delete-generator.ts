import { commitDeletion } from "#actions/delete-configuration.ts";
import { CASCADE_MAX, readCascade } from "#actions/read-generators.ts";
import { AppError } from "#core/errors.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { type CascadeRow, type GeneratorRow, generatorStore } from "#store/generator-store.ts";

export type DeletedGenerator = {
  generator: GeneratorRow;
  deleted: { namespace: string; deployment_name: string; version: number }[];
  /** What is left: changed meanwhile, or beyond what one request deletes. Preview and send it again. */
  remaining: number;
};

/**
 * Revokes a generator at once and keeps its work. With `cascade` its deployments go too, each by a deletion of its own, so
 * that each can be restored; only what the newest preview named, in the versions that it named: somebody's save meanwhile
 * keeps that deployment. Interrupted, the generator is dead and the rest stays; sent again, it goes on.
 */
export async function deleteGenerator(
  deps: Deps,
  caller: Caller,
  { id, cascade, confirm }: { id: string; cascade: boolean; confirm: string | null },
): Promise<DeletedGenerator> {
  const { principal, cascade: preview } = await readCascade(deps, caller, id);
  if (cascade && confirm !== preview.confirm) throw AppError.of("cascade_not_previewed", {});
  const isGone = preview.generator.deleted_at !== null;
  const generator = isGone ? preview.generator : await revoke(deps, principal, preview.generator);
  if (!cascade) return { generator, deleted: [], remaining: 0 };

  const deleted = [];
  for (const row of preview.goes) {
    const version = await deleteAsPreviewed(deps, principal, row);
    if (version !== null) deleted.push({ namespace: row.namespace, deployment_name: row.deployment_name, version });
  }
  const left = await generatorStore.selectCascade.all(deps.db, {
    workspace_id: principal.workspaceId,
    actor: `generator:${id}`,
    limit: CASCADE_MAX + 1,
  });
  return { generator, deleted, remaining: left.length };
}

async function revoke(deps: Deps, principal: Principal, { id, name }: GeneratorRow): Promise<GeneratorRow> {
  const { db, ids, clock } = deps;
  const of = { id, workspace_id: principal.workspaceId };
  const now = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: principal.workspaceId,
    at: now,
    actor: principal.actor,
    action: "generator.deleted" as const,
    target: `generator:${id}`,
    payload: { name },
  };
  const change = { ...of, change_id: entry.id };
  const batch = await db.batch([
    generatorStore.remove.bind(db, { ...change, now }),
    generatorStore.removeTokens.bind(db, { ...change, before: null }),
    await auditStore.forGenerator(db, entry, id),
    generatorStore.selectById.bind(db, of),
  ]);
  const row = generatorStore.selectById.rows(batch.at(-1))[0];
  if (!row) throw AppError.of("generator_not_found", { id });
  return row;
}

/** The number of the deletion; null where the deployment is no longer what the preview named. */
async function deleteAsPreviewed(deps: Deps, principal: Principal, previewed: CascadeRow): Promise<number | null> {
  const { namespace, deployment_name } = previewed;
  const of = { workspace_id: principal.workspaceId, namespace, deployment_name };
  const row = await configurationStore.selectByName.first(deps.db, of);
  if (row?.id !== previewed.config_id || row.version !== previewed.version) return null;
  return (await commitDeletion(deps, principal, configurationStore.fromRow(row)))?.version ?? null;
}
