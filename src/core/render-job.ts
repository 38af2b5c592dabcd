import { secondsAfter } from "#core/runtime.ts";

/**
 * The rules of a render job. A lease counts an attempt the moment it is taken, so a render that kills its isolate is
 * counted although nothing came back; a lease that ends alive with a transport failure counts a fault beside it. Only the
 * difference, the crashes, is bounded: an outage of a day must not turn a good version into a failed one.
 */
export const CRASHES_MAX = 5;
/** Longer than any render and its six-at-a-time puts; short enough that a dead consumer is replaced in minutes. */
export const LEASE_SECONDS = 120;
const BACKOFF_SECONDS_MAX = 240;

/** Law 2: rendered or failed within 15 minutes of the last fault, so the wait between two tries stays far below. */
export const backoffSeconds = (faults: number) =>
  Math.min(BACKOFF_SECONDS_MAX, 5 * 2 ** Math.min(10, Math.max(0, faults - 1)));

export const leaseEnd = (now: Date) => secondsAfter(now, LEASE_SECONDS);

/**
 * How long a nudge may take before the sweep does the work itself. Local and deployed queues deliver within seconds;
 * after this long the message is taken for lost.
 */
export const NUDGE_GRACE_SECONDS = 45;
