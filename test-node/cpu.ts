const TRIES_MAX = 5;
/** What `reference` takes, once V8 has compiled it, on the machine at its faster speed on which the budgets were set. */
const REFERENCE_MS = 6;
const WARM_UP_ROUNDS = 20;

/**
 * CPU that the whole process spends on `run`, in milliseconds: measured from outside, the engine has no clock. The work is the same each
 * time (limits count steps), the machine is not: where it takes longer than `msMax`, it is done again, the least counts, and a machine
 * that needs longer for `reference` too, just before and just after, is allowed as much more.
 */
export function cpuOf<T>(run: () => T, msMax: number): { value: T; ms: number } {
  let { value, ms } = once(run);
  for (let tries = 1; tries < TRIES_MAX && ms >= msMax; tries++) {
    if (tries === 1) for (let round = 0; round < WARM_UP_ROUNDS; round++) reference();
    const before = once(reference).ms;
    const again = once(run);
    const slowness = Math.max(1, (before + once(reference).ms) / 2 / REFERENCE_MS);
    value = again.value;
    ms = Math.min(ms, again.ms / slowness);
  }
  return { value, ms };
}

function once<T>(run: () => T): { value: T; ms: number } {
  const before = process.cpuUsage();
  const value = run();
  const { user, system } = process.cpuUsage(before);
  return { value, ms: (user + system) / 1000 };
}

/** What engines do: calls of closures, properties by name, texts that grow. */
function reference(): number {
  const members: Record<string, number> = {};
  const steps = Array.from({ length: 8 }, (_, step) => (round: number) => `k${(round + step) % 500}`);
  let text = "";
  for (let round = 0; round < 60_000; round++) {
    const name = (steps[round & 7] as (round: number) => string)(round);
    members[name] = (members[name] ?? 0) + 1;
    text = text.length > 2000 ? name : text + name;
  }
  return text.length + Object.keys(members).length;
}
