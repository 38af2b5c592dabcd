import { countImpact } from "#actions/count-impact.ts";
import { readAs } from "#actions/read-as.ts";
import { impactKey, requireTarget, selectTarget } from "#actions/read-impact.ts";
import { causeText } from "#core/log.ts";
import type { Caller } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { impactStore } from "#store/impact-store.ts";

/** Counts a version's impact once more (operator). Asked for while it is being counted, that goes on, and nothing is written. */
export async function requestImpact(
  deps: Deps,
  caller: Caller,
  of: { pack: string; version: string; candidate: string | null },
): Promise<void> {
  const { db, ids, clock } = deps;
  const { principal, results } = await readAs(deps, { caller, permission: "operator" }, selectTarget(deps, of));
  requireTarget(principal, of, results);
  const now = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at: now,
    actor: principal.actor,
    action: "impact.requested" as const,
    target: `schema:${of.pack}/${of.version}`,
    payload: { candidate: of.candidate },
  };
  const key = impactKey(of);
  await db.batch([
    await auditStore.forIdleImpact(db, entry, key),
    impactStore.restart.bind(db, { ...key, id: ids.uuid(), now }),
  ]);
  startCounting(deps);
}

/** A first run after the answer; the minute's sweep does what it leaves. */
export function startCounting(deps: Deps): void {
  deps.after(countImpact(deps).catch((cause: unknown) => deps.log("impact.postponed", { cause: causeText(cause) })));
}
