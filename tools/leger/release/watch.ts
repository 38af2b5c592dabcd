import { setTimeout as sleep } from "node:timers/promises";
import { backoffMs } from "../api/backoff.ts";
import { ApiRefusal } from "../api/client.ts";
import { CliError, EXIT } from "../cli-error.ts";

/** What may pass by itself: no network, a server out of order, a limit, a corrupt answer, nothing saved yet. */
const mayPass = (error: CliError) =>
  error.exit === EXIT.unreachable || error.exit === EXIT.corrupt || error.code === "nothing_deployed";

/**
 * Does `step` until `signal` ends it. `step` answers the seconds until the server wants to be asked again; each pause is spread by a
 * tenth, so that machines which started together drift apart. What may pass is said once and tried again, ever more
 * slowly; anything else ends the watch.
 */
export async function watch(of: {
  step: () => Promise<number>;
  intervalSeconds: number | null;
  signal: AbortSignal;
  trouble: (error: CliError) => void;
  recovered: () => void;
}): Promise<void> {
  let failures = 0;
  while (!of.signal.aborted) {
    let pauseMs: number;
    try {
      const asked = await of.step();
      const seconds = of.intervalSeconds ?? asked;
      if (failures > 0) of.recovered();
      failures = 0;
      pauseMs = seconds * 1000 * (0.9 + Math.random() / 5);
    } catch (cause) {
      if (!(cause instanceof CliError) || !mayPass(cause)) throw cause;
      failures += 1;
      if (failures === 1) of.trouble(cause);
      const asked = cause instanceof ApiRefusal ? (cause.retryAfterSeconds ?? 0) : 0;
      const slowest = of.intervalSeconds === null ? 60_000 : Math.max(1000, of.intervalSeconds * 1000);
      pauseMs = Math.max(asked * 1000, Math.min(slowest, backoffMs(failures, Math.random(), 1000)));
    }
    await sleep(pauseMs, undefined, { signal: of.signal }).catch(() => null);
  }
}

/** Aborted by Ctrl-C and by a service manager's TERM; the second Ctrl-C ends the process as usual. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
