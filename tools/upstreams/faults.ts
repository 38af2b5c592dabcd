import { z } from "zod";
import type { SurfaceName } from "./http-kernel.ts";

/**
 * What goes wrong for the next matching requests. Without `status`, `reset` or `hang` the real answer is given, after
 * `delayMs`, with `headers` added, cut as `cutBody` says.
 *
 * `cutBody.declare`: `full` announces the whole length and closes the connection after `bytes` (the client sees an
 * error); `cut` announces what it sends, so that half a body arrives as a sound 200, as GitHub's storage has been seen
 * to do: only a length or digest known beforehand finds it; `stall` announces the whole length, sends `bytes` and then nothing more.
 */
export const FaultInput = z.strictObject({
  /** Regular expression, matched against path and query behind the surface's prefix. Absent: every path. */
  path: z.string().optional(),
  method: z.string().optional(),
  surface: z.enum(["github", "storage", "web", "tailscale"]).optional(),
  /** How many requests it meets; null until it is cleared. */
  times: z.int().positive().nullable().default(1),
  status: z.int().min(200).max(599).optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Body of `status`; text is sent as it is, anything else as JSON. */
  body: z.unknown().optional(),
  delayMs: z.int().nonnegative().default(0),
  reset: z.boolean().default(false),
  hang: z.boolean().default(false),
  cutBody: z.strictObject({ bytes: z.int().nonnegative(), declare: z.enum(["full", "cut", "stall"]) }).optional(),
});
export type FaultInput = z.input<typeof FaultInput>;
export type Fault = z.output<typeof FaultInput> & { readonly id: number };

type Armed = { readonly fault: Fault; readonly pattern: RegExp; left: number };

/** Faults queue up: the oldest one that matches and has requests left is taken, one per request. */
export class Faults {
  private armed: Armed[] = [];
  private lastId = 0;

  inject(input: FaultInput): Fault {
    this.lastId += 1;
    const fault = { ...FaultInput.parse(input), id: this.lastId };
    this.armed.push({ fault, pattern: new RegExp(fault.path ?? ""), left: fault.times ?? Infinity });
    return fault;
  }

  take(request: { surface: SurfaceName; method: string; path: string }): Fault | undefined {
    const found = this.armed.find(
      ({ fault, pattern }) =>
        (fault.surface ?? request.surface) === request.surface &&
        (fault.method ?? request.method) === request.method &&
        pattern.test(request.path),
    );
    if (!found) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.armed = this.armed.filter((armed) => armed !== found);
    return found.fault;
  }

  list(): (Fault & { left: number | null })[] {
    return this.armed.map(({ fault, left }) => ({ ...fault, left: Number.isFinite(left) ? left : null }));
  }

  clear(): void {
    this.armed = [];
  }
}
