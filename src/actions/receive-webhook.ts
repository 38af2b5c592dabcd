import { z } from "zod";
import { fanOut } from "#actions/fan-out.ts";
import { AppError } from "#core/errors.ts";
import { causeText } from "#core/log.ts";
import { toInstant } from "#core/runtime.ts";
import { isSignedBy } from "#core/webhook-signature.ts";
import type { Deps } from "#deps.ts";
import { syncRepository } from "#registry/sync-repository.ts";
import { repositoryStore } from "#store/repository-store.ts";
import { webhookStore } from "#store/webhook-store.ts";

/** The little that is read of a payload; everything else is asked of GitHub itself. */
const Payload = z.object({
  action: z.string().max(100).optional(),
  repository: z.object({ full_name: z.string().max(200) }).optional(),
});

export type WebhookOutcome = "nudged" | "repeated" | "ignored";

type Delivery = { body: Uint8Array<ArrayBuffer>; signature: string; event: string; deliveryId: string };

/**
 * Takes one delivery: its signature over the raw bytes, then its id, then the hint that a repository's releases changed. What it says
 * is believed as a hint only: the sync that follows asks GitHub, so a forged, repeated, late or lost delivery leaves the same registry
 * as none. The sync runs after the answer; dying before it costs at most its lease, since the sweep finds the nudge in D1.
 */
export async function receiveWebhook(deps: Deps, delivery: Delivery): Promise<WebhookOutcome> {
  const { db, settings, clock } = deps;
  if (!settings.GITHUB_WEBHOOK_SECRETS) throw AppError.of("webhook_not_configured", {});
  if (!(await isSignedBy(settings.GITHUB_WEBHOOK_SECRETS, delivery))) throw AppError.of("webhook_unsigned", {});
  if (delivery.deliveryId === "" || delivery.event === "")
    throw AppError.of("body_not_json", {
      detail: "GitHub names the event and the delivery in headers, and these are missing",
    });
  const payload = readPayload(delivery.body);
  const repository = configuredRepository(deps, payload.repository?.full_name);
  const now = toInstant(clock.now());
  const statements = [
    webhookStore.record.bind(db, {
      delivery_id: delivery.deliveryId,
      event: delivery.event,
      action: payload.action ?? null,
      repository: payload.repository?.full_name ?? null,
      received_at: now,
    }),
  ];
  const isHint = delivery.event === "release" && repository !== null;
  if (isHint) statements.push(repositoryStore.nudge.bind(db, { repository: repository.repository, now }));
  const [recorded] = await db.batch(statements);
  if (webhookStore.record.rows(recorded).length === 0) return "repeated";
  if (!isHint) return "ignored";
  deps.after(
    syncRepository(deps, repository)
      .then(() => fanOut(deps))
      .catch((cause: unknown) =>
        deps.log("sync.failed", { repository: repository.repository, cause: causeText(cause) }),
      ),
  );
  return "nudged";
}

function readPayload(body: Uint8Array): z.infer<typeof Payload> {
  try {
    return Payload.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body)));
  } catch (cause) {
    throw AppError.of("body_not_json", { detail: "it is signed, but no payload of GitHub's" }, { cause });
  }
}

/** Names of repositories do not differ by case on GitHub. */
function configuredRepository({ settings }: Deps, fullName: string | undefined) {
  const found = Object.entries(settings.PACK_REPOSITORIES).find(
    ([, repository]) => repository.toLowerCase() === fullName?.toLowerCase(),
  );
  return found ? { pack: found[0], repository: found[1] } : null;
}
