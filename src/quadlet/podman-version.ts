type Numbers = readonly [number, number, number];

/** Versions come from a short list, and are compared for every key of every unit. */
const parsed = new Map<string, Numbers>();
const PARSED_MAX = 256;

function numbersOf(version: string): Numbers {
  const known = parsed.get(version);
  if (known !== undefined) return known;
  const numbers = parseNumbers(version);
  if (parsed.size < PARSED_MAX) parsed.set(version, numbers);
  return numbers;
}

/** `5.4`, `v5.4.2` or `5.8.0-rc1` as three numbers; what is missing counts as 0, the oldest such release. */
function parseNumbers(version: string): Numbers {
  const [major = "0", minor = "0", patch = "0"] = version.replace(/^v/, "").replace(/-.*$/, "").split(".");
  return [Number.parseInt(major, 10) || 0, Number.parseInt(minor, 10) || 0, Number.parseInt(patch, 10) || 0];
}

/** Negative when `left` is the older Podman, 0 when equal, positive when newer. */
export function comparePodman(left: string, right: string): number {
  const a = numbersOf(left);
  const b = numbersOf(right);
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** The oldest target (MAJOR.MINOR, standing for its first release) that has what came with `since`. */
export function firstTargetWith(since: string): string {
  const [major, minor, patch] = numbersOf(since);
  return `${major}.${patch === 0 ? minor : minor + 1}`;
}

export const isAtLeast = (version: string, minimum: string): boolean => comparePodman(version, minimum) >= 0;

/** What Debian 13 ships: the oldest Podman worth supporting, and the default target of a version. */
export const PODMAN_TARGET_DEFAULT = "5.4";
