import { commitVersion } from "#actions/commit-version.ts";
import { idempotentRequest, replayed, replayedAfterRace, selectKey } from "#actions/idempotency.ts";
import { nudgeRender } from "#actions/nudge-render.ts";
import { type FirstSave, planFirstSave } from "#actions/plan-save.ts";
import { readAs } from "#actions/read-as.ts";
import type { SavedVersion } from "#actions/saved-version.ts";
import { AppError } from "#core/errors.ts";
import type { JsonObject } from "#core/json.ts";
import type { Caller } from "#core/principal.ts";
import { defaultRange } from "#core/schema-choice.ts";
import type { Deps } from "#deps.ts";
import { configurationStore } from "#store/configuration-store.ts";
import { idempotencyStore } from "#store/idempotency-store.ts";
import { schemaStore } from "#store/schema-store.ts";

export type CreateConfiguration = FirstSave & {
  deployment_name: string;
  upgrade_policy?: "pinned" | "propose" | "auto" | undefined;
};

/**
 * Creates a deployment with its first version: three round trips (read, schema when not in memory, commit) and one nudge.
 * Interrupted anywhere, either nothing exists or all of it; a repeat with the same Idempotency-Key answers the first.
 */
export async function createConfiguration(
  deps: Deps,
  caller: Caller,
  { input, key, cliVersion }: { input: CreateConfiguration; key: string | undefined; cliVersion: string | null },
): Promise<SavedVersion> {
  const { db } = deps;
  const request = await idempotentRequest(
    `${caller.workspaceId} POST /configurations`,
    key,
    input as unknown as JsonObject,
  );
  const name = { namespace: input.namespace, deployment_name: input.deployment_name };
  const { principal, results } = await readAs(deps, { caller, permission: "config:write" }, [
    configurationStore.selectByName.bind(db, { workspace_id: caller.workspaceId, ...name }),
    schemaStore.selectCandidates.bind(db, { pack: input.pack }),
    selectKey(db, caller.actor, request),
  ]);
  const first = await replayed(deps, principal, { request, row: idempotencyStore.select.rows(results[2])[0] });
  if (first) return { version: first, pruned: [], warnings: [], unchanged: false };
  if (configurationStore.selectByName.rows(results[0]).length > 0)
    throw AppError.of("deployment_name_taken", { name: input.deployment_name });

  const planned = await planFirstSave(deps, schemaStore.selectCandidates.rows(results[1]), input);
  const { schema, prepared } = planned;
  const outcome = await commitVersion(deps, principal, {
    config_id: deps.ids.uuid(),
    configuration: {
      ...name,
      schema_range: input.schema_range ?? defaultRange(schema.version),
      upgrade_policy: input.upgrade_policy ?? "propose",
    },
    parent: 0,
    config_data: prepared.text,
    pack: schema.pack,
    schema_version: schema.version,
    podman_target: planned.podmanTarget,
    origin: "save",
    changes_summary: planned.summary,
    cli_version: cliVersion,
    idempotency: request,
  });
  const { pruned, warnings } = prepared;
  switch (outcome.kind) {
    case "committed":
      await nudgeRender(deps, outcome.version.id);
      return { version: outcome.version, pruned, warnings, unchanged: false };
    case "guard_failed":
      throw AppError.of("deployment_name_taken", { name: input.deployment_name });
    case "key_taken":
      if (!request) throw AppError.of("storage_unavailable", {});
      return { version: await replayedAfterRace(deps, principal, request), pruned, warnings, unchanged: false };
  }
}
