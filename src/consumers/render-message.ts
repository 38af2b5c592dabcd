import { upgradeConfiguration } from "#actions/upgrade-configuration.ts";
import { RenderMessage, UpgradeMessage } from "#core/messages.ts";
import { toInstant } from "#core/runtime.ts";
import type { Outcome } from "#consumers/outcome.ts";
import { renderVersion } from "#consumers/render-version.ts";
import type { Deps } from "#deps.ts";
import { jobStore } from "#store/job-store.ts";

/** A nudge: there may be a job for this version, or for this configuration. */
export async function handleRenderMessage(deps: Deps, body: unknown): Promise<Outcome> {
  const upgrade = UpgradeMessage.safeParse(body);
  if (upgrade.success) {
    const { config_id, schema_version } = upgrade.data;
    return { kind: "done", state: await upgradeConfiguration(deps, { config_id, schema_version }) };
  }
  const message = RenderMessage.safeParse(body);
  if (!message.success) return { kind: "parked", reason: "unreadable message" };
  const done = await renderVersion(deps, message.data.version_id);
  return done.kind === "postponed"
    ? { kind: "retry", reason: done.reason, delaySeconds: done.delaySeconds }
    : { kind: "done", state: done.kind };
}

/**
 * A nudge that the queue gave up on. It decides nothing about the job, whose own attempts are the only authority: it makes
 * the job due, and the sweep does the rest.
 */
export async function handleDeadLetter({ db, clock }: Deps, body: unknown): Promise<Outcome> {
  // its job is due again when its lease ends
  if (UpgradeMessage.safeParse(body).success) return { kind: "done", state: "left to the sweep" };
  const message = RenderMessage.safeParse(body);
  if (!message.success) return { kind: "parked", reason: "unreadable message" };
  await jobStore.makeDue.bind(db, { version_id: message.data.version_id, now: toInstant(clock.now()) }).run();
  return { kind: "done", state: "made due" };
}
