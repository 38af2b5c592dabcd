/** Reads a key that no prototype has: on data from JSON that is an own property, so nothing needs to be asked. */
export const plainMember = (value: unknown, key: string | number): unknown =>
  typeof value === "object" && value !== null
    ? (value as Record<string | number, unknown>)[key]
    : typeof value === "string" && typeof key === "number"
      ? value[key]
      : undefined;
