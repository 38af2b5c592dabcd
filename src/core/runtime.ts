/** The sources of non-determinism. Nothing else may read a clock or roll dice. */
export type Clock = { now(): Date };
export type IdSource = { uuid(): string };
export type RandomSource = (bytes: number) => Uint8Array<ArrayBuffer>;

/** Instants are stored as ISO-8601 UTC text with milliseconds, so that text order is time order. */
export const toInstant = (date: Date) => date.toISOString();
export const secondsAfter = (date: Date, seconds: number) => new Date(date.getTime() + seconds * 1000);
