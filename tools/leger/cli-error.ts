/** What a script can tell apart. Printed by `leger --help`; a number never changes its meaning. */
export const EXIT = {
  fine: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  signed_out: 4,
  corrupt: 5,
  unfinished: 6,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_HELP: readonly (readonly [ExitCode, string])[] = [
  [EXIT.fine, "fine"],
  [EXIT.failed, "refused by the server, or something failed"],
  [EXIT.usage, "wrong usage, or a file that cannot be read"],
  [EXIT.unreachable, "the server cannot be reached, is out of order, or asks to wait"],
  [EXIT.signed_out, "not signed in, or no longer"],
  [EXIT.corrupt, "bytes that do not match their digest, or that go back to an older version; nothing was changed"],
  [EXIT.unfinished, "still under way when the time was over"],
];

/** An end that somebody foresaw: a stable code, what happened, and what to do about it. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  readonly exit: ExitCode;
  readonly code: string;
  readonly action: string | null;
  readonly details: readonly Record<string, unknown>[];

  constructor(
    exit: ExitCode,
    of: {
      code: string;
      message: string;
      action?: string | null;
      details?: readonly Record<string, unknown>[];
      cause?: unknown;
    },
  ) {
    super(of.message, of.cause === undefined ? undefined : { cause: of.cause });
    this.exit = exit;
    this.code = of.code;
    this.action = of.action ?? null;
    this.details = of.details ?? [];
  }
}

/** Something that the command line names does not exist, cannot be read, or is no such thing. */
export const usageError = (message: string, action: string | null = null) =>
  new CliError(EXIT.usage, { code: "usage", message, action });
