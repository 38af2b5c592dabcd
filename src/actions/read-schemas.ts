import { fanOut } from "#actions/fan-out.ts";
import { readAs } from "#actions/read-as.ts";
import { startCounting } from "#actions/request-impact.ts";
import { causeText } from "#core/log.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { type SyncOutcome } from "#registry/sync-repository.ts";
import { syncRegistry } from "#registry/sync-registry.ts";
import { type SchemaDetailRow, type SchemaListRow, schemaStore } from "#store/schema-store.ts";

/** Packs are the operator's and visible to every tenant. */
export async function listSchemas(deps: Deps, caller: Caller): Promise<SchemaListRow[]> {
  const { results } = await readAs(deps, { caller, permission: "schemas:read" }, [
    schemaStore.selectAll.bind(deps.db, {}),
  ]);
  return schemaStore.selectAll.rows(results[0]);
}

export async function readSchema(
  deps: Deps,
  caller: Caller,
  of: { pack: string; version: string },
): Promise<SchemaDetailRow> {
  const { results } = await readAs(deps, { caller, permission: "schemas:read" }, [
    schemaStore.selectOne.bind(deps.db, of),
  ]);
  const row = schemaStore.selectOne.rows(results[0])[0];
  if (!row) throw AppError.of("schema_not_found", { version: of.version });
  return row;
}

/** Asks GitHub now. The operator's: the login is named in OPERATOR_LOGINS. */
export async function syncNow(deps: Deps, caller: Caller): Promise<SyncOutcome[]> {
  await readAs(deps, { caller, permission: "operator" });
  const outcomes = await syncRegistry(deps);
  startCounting(deps);
  deps.after(fanOut(deps).catch((cause: unknown) => deps.log("fanout.failed", { cause: causeText(cause) })));
  if (outcomes.length > 0 && outcomes.every(({ result }) => result === "running"))
    throw AppError.of("sync_running", {});
  return outcomes;
}
