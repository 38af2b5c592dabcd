import { z } from "zod";

/** Messages carry ids, never state: the consumer reads D1 again and trusts only that. */
export const RenderMessage = z.strictObject({ kind: z.literal("render-version"), version_id: z.uuid() });
export type RenderMessage = z.infer<typeof RenderMessage>;
