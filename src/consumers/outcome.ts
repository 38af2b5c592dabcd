import { causeText, type Log } from "#core/log.ts";
import { backoffSeconds } from "#core/render-job.ts";

/**
 * What a consumer decided about one message. `done` and `parked` both acknowledge: a parked message needs a person, and
 * trying it again would only hide that. `retry` brings it back; the job's own row says when it is due.
 */
export type Outcome =
  | { kind: "done"; state: string }
  | { kind: "parked"; reason: string }
  | { kind: "retry"; reason: string; delaySeconds: number };

/** Handles each message on its own, so that a bad one cannot fail its neighbours; one log line each. */
export async function consume(
  batch: MessageBatch<unknown>,
  log: Log,
  handle: (body: unknown) => Promise<Outcome>,
): Promise<void> {
  for (const message of batch.messages) {
    const outcome = await handle(message.body).catch((cause: unknown): Outcome => ({
      kind: "retry",
      reason: causeText(cause),
      delaySeconds: backoffSeconds(message.attempts),
    }));
    log("message.handled", {
      queue: batch.queue,
      message_id: message.id,
      attempts: message.attempts,
      outcome: outcome.kind,
      ...(outcome.kind === "done" ? { state: outcome.state } : { reason: outcome.reason }),
    });
    if (outcome.kind === "retry") message.retry({ delaySeconds: outcome.delaySeconds });
    else message.ack();
  }
}
