/** What the rotation's kill test stores under `s{n}` before anything is rotated. */
export const seededValue = (n: number) => `seeded ${n} ${"x".repeat(n % 60)}\n`;

/** A secret as storage holds it; `value` null where it does not decrypt with the ring of the moment. */
export type StoredValue = { name: string; version: number; value: string | null; data_key_id: string; kid: string };
