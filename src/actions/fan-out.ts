import { upgradeConfiguration } from "#actions/upgrade-configuration.ts";
import { causeText } from "#core/log.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { newestInRange } from "#core/schema-choice.ts";
import type { Deps } from "#deps.ts";
import { type FanoutRow, fanoutStore } from "#store/fanout-store.ts";
import { upgradeStore } from "#store/upgrade-store.ts";

const PAGE_CONFIGURATIONS = 200;
const PAGES_PER_RUN = 25;
/** Backpressure: with so many jobs waiting, no further page is taken. */
const QUEUED_MAX = 2000;

/**
 * Announces admitted releases to configurations, a page at a time, and wakes one message per configuration. Interrupted anywhere, the
 * next run goes on at the cursor: a page's jobs and the cursor's move are one batch, and the jobs' key refuses doubles. Memory holds
 * one page.
 */
export async function fanOut(deps: Deps): Promise<void> {
  const running = await fanoutStore.selectRunning.all(deps.db, {});
  let pages = 0;
  for (let fanout of running) {
    for (;;) {
      if (pages++ >= PAGES_PER_RUN || (await isFull(deps))) return;
      const next = await takePage(deps, fanout);
      if (next === null) break;
      fanout = next;
    }
  }
}

async function isFull({ db }: Deps): Promise<boolean> {
  const counted = await fanoutStore.countQueued.first(db, { limit: QUEUED_MAX });
  return (counted?.queued ?? 0) >= QUEUED_MAX;
}

/** Null when it was the last page. */
async function takePage(deps: Deps, fanout: FanoutRow): Promise<FanoutRow | null> {
  const { db, clock } = deps;
  const { pack, schema_version, cursor } = fanout;
  const rows = await fanoutStore.selectPage.all(db, { pack, cursor, limit: PAGE_CONFIGURATIONS });
  const concerned = rows.filter(
    ({ upgrade_policy, schema_range }) =>
      upgrade_policy !== "pinned" && newestInRange([schema_version], schema_range) !== null,
  );
  const isLast = rows.length < PAGE_CONFIGURATIONS;
  const next = rows.at(-1)?.id ?? cursor;
  const now = toInstant(clock.now());
  const ids = concerned.map(({ id }) => id);
  await db.batch([
    fanoutStore.enqueue.bind(db, { pack, schema_version, cursor, ids: JSON.stringify(ids), now }),
    fanoutStore.advance.bind(db, {
      pack,
      schema_version,
      cursor,
      next,
      state: isLast ? "done" : "running",
      seen: rows.length,
      now,
    }),
  ]);
  await nudge(
    deps,
    ids.map((config_id) => ({ config_id, schema_version })),
  );
  return isLast ? null : { ...fanout, cursor: next };
}

const MESSAGES_PER_SEND = 100;

/** The jobs are the truth: a message that is lost is done by the sweep. */
async function nudge({ renderQueue, log }: Deps, jobs: { config_id: string; schema_version: string }[]): Promise<void> {
  try {
    for (let at = 0; at < jobs.length; at += MESSAGES_PER_SEND)
      await renderQueue.sendBatch(
        jobs.slice(at, at + MESSAGES_PER_SEND).map(({ config_id, schema_version }) => ({
          body: { kind: "upgrade-configuration" as const, config_id, schema_version },
        })),
      );
  } catch (cause) {
    log("nudge.lost", { count: jobs.length, cause: causeText(cause) });
  }
}

/** A message that was sent has been heard by then, or is lost: a full outbox takes a consumer a minute or two. */
const LOST_AFTER_SECONDS = 300;
/** Jobs whose message one sweep sends anew. */
const LOST_PER_SWEEP = 1000;

/**
 * Jobs that no message finished, the oldest first: some of them are done here, so that the queue is never needed for progress. The
 * others get another message once theirs must be lost, or a queue that forgot a full outbox would cost an hour and more.
 */
export async function finishUpgrades(deps: Deps, limit: number): Promise<void> {
  const now = deps.clock.now();
  const due = await upgradeStore.selectDue.all(deps.db, { now: toInstant(now), limit });
  for (const key of due) {
    try {
      await upgradeConfiguration(deps, key);
    } catch (cause) {
      deps.log("upgrade.postponed", {
        config_id: key.config_id,
        schema_version: key.schema_version,
        cause: causeText(cause),
      });
    }
  }
  const before = toInstant(secondsAfter(now, -LOST_AFTER_SECONDS));
  await nudge(deps, await upgradeStore.claimLost.all(deps.db, { now: toInstant(now), before, limit: LOST_PER_SWEEP }));
}
