import { linesOf } from "#actions/json-lines.ts";
import { readAs } from "#actions/read-as.ts";
import type { AuditRow, SealRow } from "#core/audit-seal.ts";
import type { Caller } from "#core/principal.ts";
import { type AuditProblem, verifyAudit } from "#core/verify-audit.ts";
import type { Deps } from "#deps.ts";
import { auditStore } from "#store/audit-store.ts";
import { readSealCopies, sealStore } from "#store/seal-store.ts";

export type AuditFilter = {
  actor: string | null;
  action: string | null;
  target: string | null;
  since: string | null;
  until: string | null;
};

/** A page of the workspace's audit log, newest first; `next` is the number to go on before. */
export async function listAudit(
  deps: Deps,
  caller: Caller,
  { filter, before, limit }: { filter: AuditFilter; before: number | null; limit: number },
): Promise<{ items: AuditRow[]; next: number | null }> {
  const { results } = await readAs(deps, { caller, permission: "audit:read" }, [
    auditStore.selectPage.bind(deps.db, {
      workspace_id: caller.workspaceId,
      ...filter,
      before: before ?? Number.MAX_SAFE_INTEGER,
      limit: limit + 1,
    }),
  ]);
  const rows = auditStore.selectPage.rows(results[0]);
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.seq ?? null) : null };
}

export type AuditVerdict = {
  problems: AuditProblem[];
  checked: number;
  /** The last row that this answer judged. */
  verifiedTo: number;
  /** Rows of this answer that no seal covers yet: true to their own digests, but not yet to a signature. */
  unsealed: number;
  /** Where to go on; null at the end of the log. */
  next: number | null;
};

const SEALS_PER_CALL = 100;
const ROWS_PER_CALL = 2000;

/**
 * Holds the log against its seals and their copies, from the row after `after` on, as far as one call may work. `after`
 * is 0 or the `next` of an earlier answer.
 */
export async function checkAudit(deps: Deps, caller: Caller, after: number): Promise<AuditVerdict> {
  const { db, backups, settings } = deps;
  const workspace_id = caller.workspaceId;
  const { results } = await readAs(deps, { caller, permission: "audit:read" }, [
    sealStore.selectEnding.bind(db, { workspace_id, to_seq: after }),
    sealStore.selectAfter.bind(db, { workspace_id, after, limit: SEALS_PER_CALL + 1 }),
  ]);
  const before = sealStore.selectEnding.rows(results[0])[0] ?? null;
  const found = sealStore.selectAfter.rows(results[1]);
  const seals = fitting(found, after);
  const isLastPage = seals.length === found.length;
  const lastSealed = seals.at(-1)?.to_seq ?? after;
  const rows = await auditStore.selectRange.all(db, {
    workspace_id,
    after,
    up_to: isLastPage ? Number.MAX_SAFE_INTEGER : lastSealed,
    limit: 2 * ROWS_PER_CALL,
  });
  const copies = await readSealCopies(backups, { workspaceId: workspace_id, after, limit: SEALS_PER_CALL + 1 });
  const problems = await verifyAudit(settings.TOKEN_SIGNING_KEYS, {
    workspaceId: workspace_id,
    before,
    seals,
    rows,
    copies,
  });
  const dropped = isLastPage ? [...copies.keys()].filter((seq) => seq > lastSealed) : [];
  const verifiedTo = isLastPage ? Math.max(lastSealed, rows.at(-1)?.seq ?? 0) : lastSealed;
  return {
    problems: [
      ...problems,
      ...dropped.map((seq): AuditProblem => ({
        code: "tail_dropped",
        seq,
        message: `R2 has the copy of a seal up to row ${seq}, and the log ends before it.`,
      })),
    ],
    checked: rows.length,
    verifiedTo,
    unsealed: rows.filter(({ seq }) => seq > lastSealed).length,
    next: isLastPage && rows.length < 2 * ROWS_PER_CALL ? null : verifiedTo,
  };
}

/** As many seals as cover the rows of one call, and at least one. */
function fitting(found: readonly SealRow[], after: number): SealRow[] {
  const page = found.slice(0, SEALS_PER_CALL);
  const cut = page.findIndex(({ to_seq }) => to_seq - after > ROWS_PER_CALL);
  return cut === -1 ? page : page.slice(0, Math.max(cut, 1));
}

const LINES_PER_PAGE = 500;

/**
 * The whole log as JSON lines, oldest first, each row with `kind` "entry" or "seal", a seal after the rows that it covers.
 * Read page by page as the client takes it; what is written meanwhile comes too.
 */
export async function exportAudit(deps: Deps, caller: Caller): Promise<ReadableStream<Uint8Array>> {
  await readAs(deps, { caller, permission: "audit:read" });
  return linesOf(auditLines(deps, caller.workspaceId));
}

async function* auditLines({ db }: Deps, workspace_id: string): AsyncGenerator<object> {
  let after = 0;
  for (;;) {
    const [entries, found] = await db.batch([
      auditStore.selectRange.bind(db, { workspace_id, after, up_to: Number.MAX_SAFE_INTEGER, limit: LINES_PER_PAGE }),
      sealStore.selectAfter.bind(db, { workspace_id, after, limit: LINES_PER_PAGE }),
    ]);
    const rows = auditStore.selectRange.rows(entries);
    const seals = new Map(sealStore.selectAfter.rows(found).map((seal) => [seal.to_seq, seal]));
    for (const row of rows) {
      yield { kind: "entry", ...row, payload: JSON.parse(row.payload) as unknown };
      const seal = seals.get(row.seq);
      if (seal) yield { kind: "seal", ...seal };
    }
    const last = rows.at(-1);
    if (!last || rows.length < LINES_PER_PAGE) return;
    after = last.seq;
  }
}
