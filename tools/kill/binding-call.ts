import { z } from "zod";

/**
 * One moment of one call that the worker makes on a binding: `seq` counts the calls of one invocation from 1, in the order
 * in which they begin. The worker tells it to the gate and waits; only then it goes on.
 */
export const BindingCall = z.object({
  entry: z.enum(["fetch", "queue", "scheduled"]),
  seq: z.coerce.number().int().positive(),
  op: z.string(),
  side: z.enum(["before", "after"]),
});
export type BindingCall = z.infer<typeof BindingCall>;

/** The status by which the gate makes a call fail, as a service that is down would. */
export const STATUS_OF_FAILURE = 503;
