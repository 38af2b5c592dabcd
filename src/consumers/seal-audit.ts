import { NO_SEAL, type SealRow, makeSeal } from "#core/audit-seal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type UnsealedRow, putSealCopy, sealStore } from "#store/seal-store.ts";

const ROWS_PER_SWEEP = 500;
const COPIES_PER_SWEEP = 50;

/**
 * Chains what was audited since the last sweep: one seal per workspace, all of them and the sealer's place in one batch,
 * then their copies to R2. Interrupted anywhere, the next sweep goes on: a seal is inserted only where it continues the
 * chain, and copies are made once and counted after they are there.
 */
export async function sealAudit(deps: Deps): Promise<void> {
  const { db, clock, settings } = deps;
  const rows = await sealStore.selectUnsealed.all(db, { limit: ROWS_PER_SWEEP });
  const lastRow = rows.at(-1);
  if (lastRow) {
    const byWorkspace = Map.groupBy(rows, (row) => row.workspace_id);
    const workspaces = JSON.stringify([...byWorkspace.keys()]);
    const last = new Map((await sealStore.selectLast.all(db, { workspaces })).map((seal) => [seal.workspace_id, seal]));
    const now = toInstant(clock.now());
    const seals: SealRow[] = [];
    for (const [workspaceId, own] of byWorkspace) {
      const before = last.get(workspaceId);
      const unsealed = own.filter(({ seq }) => seq > (before?.to_seq ?? 0));
      const previous = before?.digest ?? NO_SEAL;
      if (unsealed.length > 0)
        seals.push(await makeSeal(settings.TOKEN_SIGNING_KEYS, { workspaceId, rows: unsealed, previous, now }));
    }
    await db.batch([
      ...seals.map((seal) => sealStore.insert.bind(db, seal)),
      sealStore.advanceSealed.bind(db, { row_id: lastRow.row_id } satisfies Pick<UnsealedRow, "row_id">),
    ]);
  }
  await copySeals(deps);
}

async function copySeals({ db, backups }: Deps): Promise<void> {
  const seals = await sealStore.selectUncopied.all(db, { limit: COPIES_PER_SWEEP });
  for (const seal of seals) await putSealCopy(backups, seal);
  const last = seals.at(-1);
  if (last) await sealStore.advanceCopied.bind(db, { row_id: last.row_id }).run();
}
