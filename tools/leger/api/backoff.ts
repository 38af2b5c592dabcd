/** What came of one try. `status` null: no answer. `isUnsent`: it is certain that the server never saw the request. */
export type Try = {
  attempt: number;
  status: number | null;
  retryAfterSeconds: number | null;
  isRepeatable: boolean;
  isUnsent: boolean;
};

const ATTEMPTS_MAX = 4;
const FIRST_DELAY_MS = 250;
/** A person waits so long for one command; what takes longer is said instead. */
const WAIT_SECONDS_MAX = 20;

/**
 * Milliseconds until the next try, or null to give up. Without an answer, and after a 5xx, only what is safe to repeat is
 * repeated: reads, and writes with an Idempotency-Key. A 429 did nothing, so anything may be asked again, after the time that the server
 * names. `random` in [0, 1) spreads clients that failed together.
 */
export function retryDelayMs(tried: Try, random: number): number | null {
  const { attempt, status, retryAfterSeconds, isRepeatable, isUnsent } = tried;
  if (attempt >= ATTEMPTS_MAX) return null;
  const mayRepeat = status === 429 || isUnsent || (isRepeatable && (status === null || isTransient(status)));
  if (!mayRepeat) return null;
  if (retryAfterSeconds !== null) return retryAfterSeconds > WAIT_SECONDS_MAX ? null : retryAfterSeconds * 1000;
  return backoffMs(attempt, random, FIRST_DELAY_MS);
}

export const isTransient = (status: number) => status === 500 || status === 502 || status === 503 || status === 504;

/** Doubles with each attempt (the first is 1), up to a minute; never less than half of it. */
export const backoffMs = (attempt: number, random: number, firstMs: number): number =>
  Math.round(Math.min(60_000, firstMs * 2 ** Math.min(attempt - 1, 16)) * (0.5 + random / 2));
