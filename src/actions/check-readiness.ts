import type { Deps } from "#deps.ts";
import { healthStore } from "#store/health-store.ts";

/** Whether the database answers, how long the oldest job waits (seconds), and how many schema versions can be chosen. */
export async function checkReadiness({
  db,
  clock,
}: Deps): Promise<{ oldestPendingSeconds: number | null; schemasReady: number }> {
  const row = await healthStore.select.first(db, {});
  const oldest = row?.oldest_pending ?? null;
  return {
    oldestPendingSeconds:
      oldest === null ? null : Math.max(0, Math.round((clock.now().getTime() - Date.parse(oldest)) / 1000)),
    schemasReady: row?.schemas_ready ?? 0,
  };
}
