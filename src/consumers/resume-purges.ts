import { causeText } from "#core/log.ts";
import { PURGE_GRACE_SECONDS } from "#core/purge.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { removeManifestRecord } from "#store/manifest-cache.ts";
import { type PurgeRow, purgeStore } from "#store/purge-store.ts";
import { renderFiles } from "#store/render-files.ts";

/** Versions whose files one sweep removes; the next minute takes more. Each costs a list, a delete and a KV delete. */
const VERSIONS_MAX = 20;
const PURGES_MAX = 5;
const RETRY_SECONDS = 60;

/**
 * Removes from R2 and KV what purges have erased in D1, some versions a minute, oldest purge first. A purge strands where a
 * sweep dies between two versions: its cursor says where to go on, and removing twice is harmless. One that fails goes to the
 * end of the line, so that a few which can never be finished hold up no others. After the last version it begins once more when
 * no render of before can be putting files any more, and is finished after that.
 */
export async function resumePurges(deps: Deps): Promise<void> {
  const now = toInstant(deps.clock.now());
  for (const purge of await purgeStore.selectDue.all(deps.db, { now, limit: PURGES_MAX })) {
    try {
      await resume(deps, purge).catch((cause: unknown) => postpone(deps, purge, cause));
    } catch (cause) {
      deps.log("purge.postponed", { config_id: purge.config_id, cause: causeText(cause) }); // D1 itself: it stays due
    }
  }
}

/**
 * The race: another sweep may be at the same purge, and may have set the time of its second pass. That time must not come earlier,
 * or files that a render of before still puts would stay: only a purge that nobody moved is postponed.
 */
async function postpone({ db, clock, log }: Deps, purge: PurgeRow, cause: unknown): Promise<void> {
  const { id, config_id, pass: was_pass, cursor_version: was_cursor } = purge;
  log("purge.postponed", { config_id, cause: causeText(cause) });
  const next_attempt_at = toInstant(secondsAfter(clock.now(), RETRY_SECONDS));
  await purgeStore.postpone.bind(db, { id, was_pass, was_cursor, next_attempt_at }).run();
}

async function resume(deps: Deps, purge: PurgeRow): Promise<void> {
  const { db, files, manifests, clock, log } = deps;
  const { id, workspace_id, config_id, pass, cursor_version: after } = purge;
  const versions = await purgeStore.selectVersions.all(db, { workspace_id, config_id, after, limit: VERSIONS_MAX });
  let removed = 0;
  for (const { version } of versions) {
    removed += await renderFiles.remove(files, { workspaceId: workspace_id, version });
    await removeManifestRecord(manifests, { user_uuid: workspace_id, version });
  }
  const now = clock.now();
  const isAll = versions.length < VERSIONS_MAX;
  const isFinished = isAll && pass === 2;
  const secondPassAt = secondsAfter(new Date(purge.requested_at), PURGE_GRACE_SECONDS);
  const next =
    isAll && !isFinished ? { pass: 2, cursor_version: 0 } : { pass, cursor_version: versions.at(-1)?.version ?? after };
  await purgeStore.advance
    .bind(db, {
      id,
      was_pass: pass,
      was_cursor: after,
      ...next,
      removed,
      next_attempt_at: toInstant(next.pass === 2 && pass === 1 ? secondPassAt : now),
      finished_at: isFinished ? toInstant(now) : null,
    })
    .run();
  log("purge.advanced", { config_id, workspace_id, count: removed, state: isFinished ? "finished" : "under way" });
}
