import { causeText } from "#core/log.ts";
import type { Deps } from "#deps.ts";

/**
 * Tells the consumer that a job is there. The commit before it is the truth and the message only a nudge: when it is lost,
 * the sweep of the next minute finds the job still queued. So a failure is logged and nothing more.
 */
export async function nudgeRender({ renderQueue, log }: Deps, versionId: string): Promise<void> {
  try {
    await renderQueue.send({ kind: "render-version", version_id: versionId });
  } catch (cause) {
    log("nudge.lost", { version_id: versionId, cause: causeText(cause) });
  }
}
