import { z } from "zod";

/** Messages carry ids, never state: the consumer reads D1 again and trusts only that. */
export const RenderMessage = z.strictObject({ kind: z.literal("render-version"), version_id: z.uuid() });
export type RenderMessage = z.infer<typeof RenderMessage>;

/** A release may mean something for a configuration. */
export const UpgradeMessage = z.strictObject({
  kind: z.literal("upgrade-configuration"),
  config_id: z.uuid(),
  schema_version: z.string().max(60),
});
export type UpgradeMessage = z.infer<typeof UpgradeMessage>;
export type QueueMessage = RenderMessage | UpgradeMessage;
