import { secondsAfter, toInstant } from "#core/runtime.ts";

/** When a secret is to be rotated: its schema's `x-confman-rotation-days` after its last change; null where none says. */
export function rotateBy(
  secret: { created_at: string; last_rotated_at: string | null },
  rotationDays: number | null,
): string | null {
  if (rotationDays === null) return null;
  return toInstant(secondsAfter(new Date(secret.last_rotated_at ?? secret.created_at), rotationDays * 86_400));
}

export const isStale = (rotateByInstant: string | null, now: Date) =>
  rotateByInstant !== null && rotateByInstant <= toInstant(now);
