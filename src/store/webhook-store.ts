import { statement } from "#store/statement.ts";

/** Answers a row only for a delivery that is new: GitHub, or somebody at its settings page, may send one again. */
const record = statement<
  { delivery_id: string; event: string; action: string | null; repository: string | null; received_at: string },
  { delivery_id: string }
>(
  `INSERT INTO webhook_deliveries (delivery_id, event, action, repository, received_at)
   VALUES (:delivery_id, :event, :action, :repository, :received_at)
   ON CONFLICT (delivery_id) DO NOTHING RETURNING delivery_id`,
);

const removeOlder = statement<{ before: string }>("DELETE FROM webhook_deliveries WHERE received_at < :before");

export const webhookStore = { record, removeOlder };
