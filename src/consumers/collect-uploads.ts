import { causeText } from "#core/log.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { uploadBlobs } from "#store/upload-blobs.ts";
import { uploadStore } from "#store/upload-store.ts";

const OBJECTS_MAX = 100;

/**
 * Removes uploaded files that no version ships: of uploads that ended before their commit, and of what was purged. Rows are marked
 * before objects are removed, and an upload of the same bytes waits while they are: else it could find an object that is
 * gone a moment later. A sweep that dies in between leaves marked rows, which the next one takes up.
 */
export async function collectUploads(deps: Deps): Promise<void> {
  const { db, clock, log } = deps;
  const now = toInstant(clock.now());
  try {
    const [, collected] = await db.batch([
      uploadStore.keepUsed.bind(db, { now }),
      uploadStore.collect.bind(db, { now, limit: OBJECTS_MAX }),
    ]);
    const rows = uploadStore.collect.rows(collected);
    if (rows.length === 0) return;
    await uploadBlobs.remove(
      deps,
      rows.map(({ workspace_id, sha256 }) => ({ workspaceId: workspace_id, sha256 })),
    );
    await db.batch(rows.map((row) => uploadStore.remove.bind(db, row)));
    log("uploads.collected", { count: rows.length });
  } catch (cause) {
    log("uploads.uncollected", { cause: causeText(cause) }); // the next minute finds them again
  }
}
