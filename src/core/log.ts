/**
 * One JSON line per request and per message: `event` is `noun.past_verb`, fields are the allow-list below and nothing
 * else. A field that is not listed is dropped, so that a value of a tenant cannot slip into a log by a spread.
 */
export const LOG_FIELDS = [
  "action",
  "actor",
  "attempts",
  "binding",
  "cause",
  "code",
  "config_id",
  "count",
  "delay_seconds",
  "digest",
  "duration_ms",
  "file",
  "message_id",
  "method",
  "outcome",
  "pack",
  "path",
  "queue",
  "reason",
  "repository",
  "request_id",
  "schema_version",
  "state",
  "status",
  "version",
  "version_id",
  "workspace_id",
] as const;
export type LogFields = { [F in (typeof LOG_FIELDS)[number]]?: string | number | boolean | null };
export type Log = (event: `${string}.${string}`, fields?: LogFields) => void;

const CAUSE_CHARS_MAX = 500;

/** Makes a `Log` that writes lines by `write`. Causes are cut, since they come from elsewhere. */
export function logTo(write: (line: string) => void): Log {
  return (event, fields = {}) => {
    const kept: Record<string, unknown> = { event };
    for (const name of LOG_FIELDS) {
      const value = fields[name];
      if (value !== undefined) kept[name] = typeof value === "string" ? value.slice(0, CAUSE_CHARS_MAX) : value;
    }
    write(JSON.stringify(kept));
  };
}

/** The text of a foreign error, for a log line only. */
export const causeText = (cause: unknown): string =>
  cause instanceof Error
    ? `${cause.name}: ${cause.message}${cause.cause ? ` (${causeText(cause.cause)})` : ""}`
    : String(cause);
