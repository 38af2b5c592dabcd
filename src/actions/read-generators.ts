import { readAs } from "#actions/read-as.ts";
import { sha256Hex } from "#core/digest.ts";
import { AppError } from "#core/errors.ts";
import { RESTORE_DAYS } from "#core/generator.ts";
import { canonicalJson } from "#core/json.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type CascadeRow, type GeneratorRow, generatorStore } from "#store/generator-store.ts";

/** More than a workspace can have, deleted ones included, so that a list needs no pages. */
const LISTED_MAX = 500;

/** The workspace's generators by name; with `deleted` also those that can still be restored. */
export async function listGenerators(
  deps: Deps,
  caller: Caller,
  { deleted }: { deleted: boolean },
): Promise<GeneratorRow[]> {
  const deletedAfter = toInstant(secondsAfter(deps.clock.now(), -RESTORE_DAYS * 86_400));
  const { results } = await readAs(deps, { caller, permission: "generators:manage" }, [
    generatorStore.selectAll.bind(deps.db, {
      workspace_id: caller.workspaceId,
      deleted_after: deleted ? deletedAfter : null,
      limit: LISTED_MAX,
    }),
  ]);
  return generatorStore.selectAll.rows(results[0]);
}

/** What a cascade deletes at most in one request; the next one takes more. */
export const CASCADE_MAX = 20;

/** What would go with a generator. `confirm` names exactly this list, in these versions. */
export type Cascade = { generator: GeneratorRow; goes: CascadeRow[]; more: boolean; confirm: string };

export async function readGenerator(deps: Deps, caller: Caller, id: string): Promise<GeneratorRow> {
  return (await readCascade(deps, caller, id)).cascade.generator;
}

export async function readCascade(
  deps: Deps,
  caller: Caller,
  id: string,
): Promise<{ principal: Principal; cascade: Cascade }> {
  const { workspaceId: workspace_id } = caller;
  const { principal, results } = await readAs(deps, { caller, permission: "generators:manage" }, [
    generatorStore.selectById.bind(deps.db, { workspace_id, id }),
    generatorStore.selectCascade.bind(deps.db, { workspace_id, actor: `generator:${id}`, limit: CASCADE_MAX + 1 }),
  ]);
  const generator = generatorStore.selectById.rows(results[0])[0];
  if (!generator) throw AppError.of("generator_not_found", { id });
  const rows = generatorStore.selectCascade.rows(results[1]);
  const goes = rows.slice(0, CASCADE_MAX);
  const named = goes.map(({ config_id, version }) => ({ config_id, version }));
  const confirm = (await sha256Hex(canonicalJson({ id, goes: named }))).slice(0, 32);
  return { principal, cascade: { generator, goes, more: rows.length > CASCADE_MAX, confirm } };
}
