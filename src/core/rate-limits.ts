/**
 * How much of each costly thing somebody may ask for (DESIGN 11), in one table: docs/limits.md is printed from it, and
 * `RATE_LIMITS` in wrangler.toml overrides numbers by name. `per` says whose requests count together.
 *
 * The window slides in twelfths: a request counts for the rest of its twelfth and twelve more, so that no hour, wherever
 * it begins, sees more than `max`, and what was spent comes back within 65 minutes. A fixed window would let through twice
 * the number around its edge, and a bucket that refills would let through twice the number in its first hour.
 */
type RateLimit = {
  readonly max: number;
  readonly seconds: number;
  readonly per: "user" | "device" | "generator" | "address" | "address and claimed device";
  readonly what: string;
};

const HOUR = 3600;

export const RATE_LIMITS = {
  authentication: {
    max: 10,
    seconds: HOUR,
    per: "user",
    what: "sign-ins that succeeded; one for each of the user's devices in the tailnet where those are more",
  },
  failed_sign_ins: {
    max: 60,
    seconds: HOUR,
    per: "address",
    what: "sign-ins that failed; beyond it a failure is no longer explained, and a good sign-in still passes",
  },
  failed_sign_ins_of_device: {
    max: 10,
    seconds: HOUR,
    per: "address and claimed device",
    what: "sign-ins that failed in one device's name; a good sign-in still passes",
  },
  secret_changes: { max: 100, seconds: HOUR, per: "user", what: "secrets set, deleted or restored" },
  secret_lists: { max: 200, seconds: HOUR, per: "user", what: "lists of secrets" },
  secret_reads: {
    max: 600,
    seconds: HOUR,
    per: "device",
    what: "values of secrets read; 24 more for each secret of the workspace",
  },
  saves: {
    max: 600,
    seconds: HOUR,
    per: "user",
    what: "configurations created, saved, rolled back, restored, deleted",
  },
  previews: { max: 600, seconds: HOUR, per: "user", what: "previews" },
  uploads: { max: 60, seconds: HOUR, per: "user", what: "uploads of quadlets" },
  reports: { max: 1200, seconds: HOUR, per: "device", what: "reports of what a device runs" },
  links: { max: 300, seconds: HOUR, per: "user", what: "sets of signed links" },
  retries: { max: 120, seconds: HOUR, per: "user", what: "failed renders tried again" },
  device_changes: { max: 120, seconds: HOUR, per: "user", what: "devices described, approved, revoked" },
  generator_requests: {
    max: 600,
    seconds: HOUR,
    per: "generator",
    what: "requests of one generator, or the number that it was made with; its maker's limits are not touched",
  },
  impacts: {
    max: 60,
    seconds: HOUR,
    per: "user",
    what: "candidate packs previewed, and impacts counted again (operators)",
  },
  generator_changes: { max: 60, seconds: HOUR, per: "user", what: "generators made, rotated, deleted or restored" },
} as const satisfies Record<string, RateLimit>;

export type RateLimitName = keyof typeof RATE_LIMITS;
export const RATE_LIMIT_NAMES = Object.keys(RATE_LIMITS) as RateLimitName[];

/** A limit as it is applied: `max` may come from settings, from a row, or be scaled. */
export type Rate = { name: string; max: number; seconds: number };

/** What a holder has left: printed as RateLimit headers. `resetSeconds` is when the oldest of it comes back. */
export type Budget = Rate & { remaining: number; resetSeconds: number };

/** The row that counts a holder's requests, as the batch left it. */
export type RateRow = { slots: string; grant_id: string; /** Where SQL scaled it. */ max?: number };

const SLOTS = 12;

/** Where `now` stands in the window: the twelfth that a request counts in, the newest that counts no more, and the end. */
export function slotsAt({ seconds }: Rate, now: Date): { slot: number; beyond: number; expiresAt: Date } {
  const slotMs = (seconds * 1000) / SLOTS;
  const slot = Math.floor(now.getTime() / slotMs);
  return { slot, beyond: slot - SLOTS - 1, expiresAt: new Date((slot + SLOTS + 1) * slotMs) };
}

/** Whether this request, known by `grantId`, was let through, and what is left. A limit of zero has no row. */
export function decideRate(
  rate: Rate,
  row: RateRow | null,
  { grantId, now }: { grantId: string; now: Date },
): { isGranted: boolean; budget: Budget } {
  const { beyond } = slotsAt(rate, now);
  const slots = Object.entries(JSON.parse(row?.slots ?? "{}") as Record<string, number>)
    .map(([slot, count]) => ({ slot: Number(slot), count }))
    .filter(({ slot }) => slot > beyond);
  const used = slots.reduce((sum, { count }) => sum + count, 0);
  const slotSeconds = rate.seconds / SLOTS;
  const oldest = Math.min(...slots.map(({ slot }) => slot));
  const end = slots.length === 0 ? rate.seconds : (oldest + SLOTS + 1) * slotSeconds - now.getTime() / 1000;
  const budget = { ...rate, remaining: Math.max(0, rate.max - used), resetSeconds: Math.max(1, Math.ceil(end)) };
  return { isGranted: row?.grant_id === grantId, budget };
}

/**
 * An address as a holder of limits: an IPv6 network of 64 bits is one household's or one server's, so it counts as one.
 * Unknown addresses (a worker without the platform in front of it) share one budget.
 */
export function addressHolder(address: string | undefined): string {
  if (address === undefined || address === "") return "address:unknown";
  if (address.includes(".")) return `address:${address.slice(address.lastIndexOf(":") + 1)}`; // IPv4, mapped or not
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === "" ? 0 : tail.split(":").length);
  const whole = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => "0"), ...(tail?.split(":") ?? [])];
  const network = whole.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, "") || "0");
  return `address:${network.join(":")}::/64`;
}
