import { z } from "zod";

/** Requests per window. `remaining` and `resetInSeconds` put the current window of everybody into that state. */
export const RateLimitInput = z.strictObject({
  anonymous: z.int().nonnegative().optional(),
  authenticated: z.int().nonnegative().optional(),
  remaining: z.int().nonnegative().optional(),
  resetInSeconds: z.int().positive().optional(),
});
export type RateLimitInput = z.input<typeof RateLimitInput>;

export type RateState = {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Seconds since 1970. */
  readonly reset: number;
};

/** Who asks: all anonymous requests share one bucket (here they all come from one address), each token has its own. */
export type RatePrincipal = { readonly key: string; readonly authenticated: boolean };

type Bucket = { used: number; reset: number };

const WINDOW_SECONDS = 3600;

/** GitHub's primary limit: a fixed window that begins with its first request. */
export class RateLimit {
  private limits = { anonymous: 60, authenticated: 5000 };
  private readonly buckets = new Map<string, Bucket>();
  private imposed: { remaining?: number | undefined; resetInSeconds?: number | undefined } = {};
  private readonly now: () => Date;

  constructor(now: () => Date) {
    this.now = now;
  }

  set(input: RateLimitInput): void {
    const { anonymous, authenticated, ...imposed } = RateLimitInput.parse(input);
    this.limits = {
      anonymous: anonymous ?? this.limits.anonymous,
      authenticated: authenticated ?? this.limits.authenticated,
    };
    this.imposed = imposed;
    this.buckets.clear();
  }

  /** The state as it is, or as it is after one more request when `charge` is set. */
  look(principal: RatePrincipal, charge = false): RateState {
    const bucket = this.bucket(principal);
    if (charge) bucket.used += 1;
    const limit = this.limitOf(principal);
    const used = Math.min(bucket.used, limit);
    return { limit, used, remaining: limit - used, reset: bucket.reset };
  }

  private limitOf({ authenticated }: RatePrincipal): number {
    return authenticated ? this.limits.authenticated : this.limits.anonymous;
  }

  private bucket(principal: RatePrincipal): Bucket {
    const seconds = Math.floor(this.now().getTime() / 1000);
    const known = this.buckets.get(principal.key);
    if (known && known.reset > seconds) return known;
    // What a test imposed holds for the first window only: after its reset the limit is whole again.
    const imposed = known ? {} : this.imposed;
    const limit = this.limitOf(principal);
    const fresh = {
      used: limit - Math.min(imposed.remaining ?? limit, limit),
      reset: seconds + (imposed.resetInSeconds ?? WINDOW_SECONDS),
    };
    this.buckets.set(principal.key, fresh);
    return fresh;
  }
}
