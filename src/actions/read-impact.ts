import { readAs } from "#actions/read-as.ts";
import { AppError } from "#core/errors.ts";
import { type ImpactClass, ImpactCounts, ImpactDetail, noCounts, visibleCounts } from "#core/impact.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type CandidateRow, candidateStore } from "#store/candidate-store.ts";
import { type ImpactJobRow, type ImpactOf, type OwnImpactRow, impactStore } from "#store/impact-store.ts";
import { type SchemaRow, schemaStore } from "#store/schema-store.ts";

export type OwnImpact = Omit<OwnImpactRow, "detail"> & { detail: ImpactDetail };

export type Impact = {
  state: "not_started" | "running" | "done";
  /** Percent, in tens for everybody but operators: what moves by one configuration tells of that one. */
  progress: number;
  asOf: string | null;
  /** Null for a count that is not shown; null as a whole before the end, because two readings of a moving count tell of one. */
  counts: Record<ImpactClass, number | null> | null;
  /** The operator's: live configurations of the pack, and how many of them were looked at. */
  totals: { configurations: number; seen: number } | null;
  own: OwnImpact[];
  candidate: CandidateRow | null;
};

type Asked = { pack: string; version: string; candidate: string | null };

/** What a schema version would do: the caller's configurations in full, counts of the others as far as they may be seen. */
export async function readImpact(
  deps: Deps,
  caller: Caller,
  { after, limit, ...of }: Asked & { after: string | null; limit: number },
): Promise<Impact> {
  const { db } = deps;
  const { workspaceId: workspace_id } = caller;
  const key = impactKey(of);
  const { principal, results } = await readAs(deps, { caller, permission: "schemas:read" }, [
    ...selectTarget(deps, of),
    impactStore.selectJob.bind(db, key),
    impactStore.countOwn.bind(db, { ...key, workspace_id }),
    impactStore.selectOwn.bind(db, {
      ...key,
      workspace_id,
      after: after ?? "",
      generator_id: caller.kind === "generator" ? caller.generatorId : null,
      limit,
    }),
  ]);
  const candidate = requireTarget(principal, of, results);
  const job = impactStore.selectJob.rows(results[2])[0] ?? null;
  const own = noCounts();
  for (const { class: kind, n } of impactStore.countOwn.rows(results[3])) own[kind] = n;
  const shown = impactStore.selectOwn.rows(results[4]);
  return {
    state: job?.state ?? "not_started",
    ...seenBy(principal, job, own),
    asOf: job && job.updated_at,
    own: shown.map((row) => ({ ...row, detail: ImpactDetail.parse(JSON.parse(row.detail)) })),
    candidate,
  };
}

/** Two reads, whose results `requireTarget` judges. */
export const selectTarget = ({ db, clock }: Pick<Deps, "db" | "clock">, { pack, version, candidate }: Asked) => [
  schemaStore.selectOne.bind(db, { pack, version }),
  candidateStore.selectOne.bind(db, {
    digest: candidate ?? "",
    pack,
    schema_version: version,
    now: toInstant(clock.now()),
  }),
];

export const impactKey = ({ pack, version, candidate }: Asked): ImpactOf => ({
  pack,
  schema_version: version,
  candidate: candidate ?? "",
});

/**
 * The candidate that was asked for, or null for an admitted version. To everybody but operators a candidate looks like a version that does
 * not exist; a version that nobody can move to has no impact.
 */
export function requireTarget(principal: Principal, of: Asked, results: D1Result[]): CandidateRow | null {
  if (of.candidate !== null) {
    const candidate = candidateStore.selectOne.rows(results[1])[0];
    if (!candidate || !principal.isOperator) throw AppError.of("schema_not_found", { version: of.version });
    return candidate;
  }
  const row: SchemaRow | undefined = schemaStore.selectOne.rows(results[0])[0];
  if (!row) throw AppError.of("schema_not_found", { version: of.version });
  if (row.status !== "ready") throw AppError.of("schema_not_ready", { version: of.version, status: row.status });
  return null;
}

function seenBy(
  principal: Principal,
  job: ImpactJobRow | null,
  own: ImpactCounts,
): Pick<Impact, "progress" | "counts" | "totals"> {
  if (job === null) return { progress: 0, counts: null, totals: null };
  const percent = job.state === "done" ? 100 : Math.min(99, Math.floor((100 * job.seen) / Math.max(1, job.total)));
  const counts = ImpactCounts.parse(job);
  if (principal.isOperator) return { progress: percent, counts, totals: { configurations: job.total, seen: job.seen } };
  const progress = Math.floor(percent / 10) * 10;
  if (job.state !== "done" || job.workspaces === null) return { progress, counts: null, totals: null };
  const workspaces = ImpactCounts.parse({ ...noCounts(), ...(JSON.parse(job.workspaces) as object) });
  return { progress, counts: visibleCounts(counts, { workspaces, own }), totals: null };
}
