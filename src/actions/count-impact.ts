import semver from "semver";
import { impactDetail } from "#actions/impact-detail.ts";
import { type UpgradeTarget, planMoveTo, refused, upgradeTarget } from "#actions/plan-upgrade.ts";
import type { Finding } from "#core/finding.ts";
import { type ImpactClass, type ImpactDetail, noCounts } from "#core/impact.ts";
import { causeText } from "#core/log.ts";
import { type Result, err, ok } from "#core/result.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { loadCandidate } from "#registry/load-candidate.ts";
import { type Configuration, configurationStore } from "#store/configuration-store.ts";
import { type ImpactJobRow, type ImpactPageRow, type ImpactResult, impactStore } from "#store/impact-store.ts";
import { schemaStore } from "#store/schema-store.ts";

/** Configurations that are looked at in one page; further ones cost a comparison of version numbers only. */
const PAGE_ROWS = 200;
/** Renders of one page, by how often it was begun: one that ends its process comes back smaller. */
const PAGE_RENDERS = [16, 4, 1];
/** One configuration that ended its process, or threw, so often is recorded as failing, or it would hold up all others. */
const ATTEMPTS_MAX = 5;
/** Longer than a page takes. */
const LEASE_SECONDS = 120;
/** Of one run. The clock moves between reads of D1 and R2, and each render has some; nothing is judged by it. */
const RUN_SECONDS = 20;
const RUN_RENDERS = 200;

type Run = { endsAt: number; renders: number };

/**
 * Counts what schema versions would do to live configurations, a page at a time, for every job that is running. Interrupted anywhere,
 * the next run goes on at the cursor: a page's results and the cursor's move are one batch, so two that count at once count nobody
 * twice. Memory holds one page. Whoever is past its time leaves the rest to the next minute's sweep.
 */
export async function countImpact(deps: Deps): Promise<void> {
  const { db, clock, log } = deps;
  const run: Run = { endsAt: secondsAfter(clock.now(), RUN_SECONDS).getTime(), renders: RUN_RENDERS };
  while (hasRoom(deps, run)) {
    const now = clock.now();
    const lease = { now: toInstant(now), lease_until: toInstant(secondsAfter(now, LEASE_SECONDS)) };
    const job = await impactStore.take.first(db, lease);
    if (!job) return;
    try {
      await countPage(deps, job, run);
    } catch (cause) {
      const { pack, schema_version, attempts } = job; // due again after its lease
      log("impact.postponed", { pack, schema_version, attempts, cause: causeText(cause) });
    }
  }
}

const hasRoom = ({ clock }: Deps, run: Run) => run.renders > 0 && clock.now().getTime() < run.endsAt;

async function countPage(deps: Deps, job: ImpactJobRow, run: Run): Promise<void> {
  const { db, clock } = deps;
  const { id, pack, cursor } = job;
  const rows = await impactStore.selectPage.all(db, { pack, cursor, limit: PAGE_ROWS });
  const page = await classifyRows(deps, { job, rows, run });
  const isLast = rows.length < PAGE_ROWS && page.seen === rows.length;
  if (page.seen === 0 && !isLast) throw page.failure;
  const counts = noCounts();
  for (const { class: kind } of page.results) counts[kind]++;
  await db.batch(
    impactStore.commitPage(db, {
      id,
      cursor,
      next: rows[page.seen - 1]?.id ?? cursor,
      isLast,
      results: page.results,
      counts,
      seen: page.seen,
      now: toInstant(clock.now()),
    }),
  );
}

type Page = { results: ImpactResult[]; /** Rows dealt with, from the first. */ seen: number; failure: unknown };

/** As many rows as there is room for. Where one throws, what came before it is kept. */
async function classifyRows(
  deps: Deps,
  { job, rows, run }: { job: ImpactJobRow; rows: ImpactPageRow[]; run: Run },
): Promise<Page> {
  const page: Page = { results: [], seen: 0, failure: null };
  const renders = PAGE_RENDERS[Math.min(job.attempts, PAGE_RENDERS.length) - 1] ?? 1;
  let target: Result<UpgradeTarget, Finding[]> | null = null;
  for (const row of rows) {
    if (semver.lt(row.schema_version, job.schema_version)) {
      // The first one is always done, or a page without room would never move.
      if (page.results.length >= renders || (page.results.length > 0 && !hasRoom(deps, run))) break;
      try {
        target ??= await loadTarget(deps, job);
        const result = await classify(deps, { row, job, target, isFirst: page.results.length === 0 });
        if (result) page.results.push(result);
        run.renders--;
      } catch (cause) {
        page.failure = cause;
        break;
      }
    }
    page.seen++;
  }
  return page;
}

async function loadTarget(deps: Deps, job: ImpactJobRow): Promise<Result<UpgradeTarget, Finding[]>> {
  const { pack: slug, schema_version: version, candidate } = job;
  if (candidate === "") {
    const row = await schemaStore.selectOne.first(deps.db, { pack: slug, version });
    if (!row) throw new Error(`the registry has no ${slug} ${version}`);
    return upgradeTarget(deps, row);
  }
  const pack = await loadCandidate(deps, candidate);
  if (!pack) throw new Error("the candidate's content is gone; whoever sends it again brings it back");
  const { min, max } = pack.compiled.pack.podman;
  const identity = { pack: slug, version, status: "ready" as const, packDigest: candidate };
  return ok({ schema: { ...identity, podman: { min, max }, schema: pack.schema }, pack });
}

type ToClassify = {
  row: ImpactPageRow;
  job: ImpactJobRow;
  target: Result<UpgradeTarget, Finding[]>;
  isFirst: boolean;
};

/** Null for one that has moved, or gone, since the page was read. */
async function classify(deps: Deps, { row, job, target, isFirst }: ToClassify): Promise<ImpactResult | null> {
  const { workspace_id, id } = row;
  const read = await configurationStore.selectById.first(deps.db, { workspace_id, id });
  if (!read || read.pack !== job.pack || read.schema_version === null) return null;
  if (!semver.lt(read.schema_version, job.schema_version)) return null;
  const configuration = configurationStore.fromRow(read);
  const goal = isFirst && job.attempts > ATTEMPTS_MAX ? err([UNKNOWN]) : target;
  const { class: kind, detail } = await judge(deps, configuration, goal);
  return { id, class: kind, detail: JSON.stringify(detail) };
}

/** Said of a configuration whose judgement never came to an end. */
const UNKNOWN: Finding = {
  code: "impact_unknown",
  severity: "error",
  message: "Looking at this configuration failed again and again.",
  action: "Preview the save with this schema version.",
};

async function judge(
  deps: Deps,
  configuration: Configuration,
  target: Result<UpgradeTarget, Finding[]>,
): Promise<{ class: ImpactClass; detail: ImpactDetail }> {
  const upgrade = target.ok ? await planMoveTo(deps, { configuration, target: target.value }) : refused(target.error);
  return { class: upgrade.class, detail: impactDetail(configuration, upgrade) };
}
