import type { SurfaceName } from "./http-kernel.ts";

/**
 * One request that a surface other than the control received. `path` includes the query but not the surface's prefix;
 * `status` is null where no answer was begun (a reset, a hang).
 */
export type LogEntry = {
  readonly sequence: number;
  readonly at: string;
  readonly surface: SurfaceName;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly authenticated: boolean;
  readonly conditional: boolean;
  readonly fault: number | null;
};

/** Bounded, so that a server left running for days keeps its memory. */
const ENTRIES_MAX = 100_000;

export class RequestLog {
  private entries: LogEntry[] = [];
  private sequence = 0;

  /** Called before the first byte is sent, so that a client that has its answer finds the entry here. */
  add(entry: Omit<LogEntry, "sequence">): void {
    this.sequence += 1;
    this.entries.push({ sequence: this.sequence, ...entry });
    if (this.entries.length > ENTRIES_MAX) this.entries.shift();
  }

  list(surface?: SurfaceName): LogEntry[] {
    return this.entries.filter((entry) => surface === undefined || entry.surface === surface);
  }

  reset(): void {
    this.entries = [];
  }
}
