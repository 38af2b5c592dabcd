import { QUADLET_KEYS, type KeyInfo } from "#quadlet/quadlet-keys.ts";
import { isAtLeast } from "#quadlet/podman-version.ts";

export type { KeyInfo, KeyKind } from "#quadlet/quadlet-keys.ts";

const TABLE = new Map(Object.entries(QUADLET_KEYS).map(([section, keys]) => [section, new Map(Object.entries(keys))]));

/** Null for a key that no Podman knows. Names are case-sensitive, as in the generator. */
export const keyInfo = (section: string, key: string): KeyInfo | null => TABLE.get(section)?.get(key) ?? null;

export const keysOf = (section: string): readonly string[] => Object.keys(QUADLET_KEYS[section] ?? {});

export const keySections = (): readonly string[] => Object.keys(QUADLET_KEYS);

export const isKeyKnown = (info: KeyInfo, podman: string): boolean => isAtLeast(podman, info.since);

/** Whether that Podman uses every value of the key, or only the last. */
export function isRepeatable(info: KeyInfo, podman: string): boolean {
  if (info.repeatableSince !== undefined && !isAtLeast(podman, info.repeatableSince)) return false;
  if (info.scalarSince !== undefined && !isAtLeast(podman, info.scalarSince)) return true;
  return info.repeatable;
}
