import { type AuditRow, NO_SEAL, type SealRow, entryDigest, openSeal, rangeDigest } from "#core/audit-seal.ts";
import type { SigningKey } from "#core/settings.ts";

/** Something that is not as it was written. `seq` is the audit row, or the last row of the seal, that shows it. */
export type AuditProblem = {
  code:
    | "entry_missing"
    | "entry_changed"
    | "entries_differ_from_seal"
    | "seal_missing"
    | "seal_forged"
    | "seal_chain_broken"
    | "seal_copy_missing"
    | "seal_copy_differs"
    | "tail_dropped";
  seq: number;
  message: string;
};

export type AuditEvidence = {
  workspaceId: string;
  /** The seal that ends before the first row below; null at the beginning of the log. */
  before: SealRow | null;
  seals: readonly SealRow[];
  rows: readonly AuditRow[];
  /** Signatures of the copies in R2 by `to_seq`, of the same range. */
  copies: ReadonlyMap<number, string>;
};

/** Holds a range of the log against its seals and their copies. Pure: everything it judges was read before. */
export async function verifyAudit(keys: readonly SigningKey[], evidence: AuditEvidence): Promise<AuditProblem[]> {
  const problems: AuditProblem[] = [...(await changedRows(evidence)), ...missingRows(evidence)];
  let { before } = evidence;
  for (const seal of evidence.seals) {
    problems.push(...(await judgeSeal(keys, { evidence, seal, before })));
    before = seal;
  }
  return problems.toSorted((a, b) => a.seq - b.seq);
}

async function changedRows({ rows }: AuditEvidence): Promise<AuditProblem[]> {
  const digests = await Promise.all(rows.map(entryDigest));
  return rows.flatMap((row, index) =>
    digests[index] === row.entry_digest
      ? []
      : [problem("entry_changed", row.seq, `Row ${row.seq} is not what was written: its digest does not hold.`)],
  );
}

function missingRows({ before, rows, seals }: AuditEvidence): AuditProblem[] {
  const problems: AuditProblem[] = [];
  let expected = (before?.to_seq ?? 0) + 1;
  for (const { seq } of rows) {
    for (; expected < seq; expected++) problems.push(missing(expected));
    expected = seq + 1;
  }
  const sealed = seals.at(-1)?.to_seq ?? 0;
  for (; expected <= sealed; expected++) problems.push(missing(expected));
  return problems;
}

const missing = (seq: number) => problem("entry_missing", seq, `Row ${seq} is gone.`);

async function judgeSeal(
  keys: readonly SigningKey[],
  { evidence, seal, before }: { evidence: AuditEvidence; seal: SealRow; before: SealRow | null },
): Promise<AuditProblem[]> {
  const at = (code: AuditProblem["code"], message: string) => [problem(code, seal.to_seq, message)];
  const range = `rows ${seal.from_seq} to ${seal.to_seq}`;
  const opened = await openSeal(keys, seal.signature);
  const isOwn =
    opened?.payload.workspace_id === evidence.workspaceId &&
    opened.digest === seal.digest &&
    opened.payload.from_seq === seal.from_seq &&
    opened.payload.to_seq === seal.to_seq;
  if (!opened || !isOwn) return at("seal_forged", `The seal of ${range} was not made by this server.`);
  if (seal.from_seq !== (before?.to_seq ?? 0) + 1) return at("seal_missing", `The seal before ${range} is gone.`);
  if (opened.payload.previous !== (before?.digest ?? NO_SEAL))
    return at("seal_chain_broken", `The seal of ${range} names another predecessor.`);
  const rows = evidence.rows.filter(({ seq }) => seq >= seal.from_seq && seq <= seal.to_seq);
  const problems: AuditProblem[] = [];
  if (opened.payload.entries !== (await rangeDigest(rows)))
    problems.push(...at("entries_differ_from_seal", `The ${range} are not those that were sealed.`));
  const copy = evidence.copies.get(seal.to_seq);
  if (copy === undefined) problems.push(...at("seal_copy_missing", `The copy of the seal of ${range} is not in R2.`));
  else if (copy !== seal.signature)
    problems.push(...at("seal_copy_differs", `The seal of ${range} is not the one whose copy is in R2.`));
  return problems;
}

const problem = (code: AuditProblem["code"], seq: number, message: string): AuditProblem => ({ code, seq, message });
