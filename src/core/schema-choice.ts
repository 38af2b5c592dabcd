import semver from "semver";

/** The newest of `versions` (tags like v1.2.0) that `range` admits, or null. Prereleases only where the range names one. */
export function newestInRange(versions: readonly string[], range: string): string | null {
  return semver.maxSatisfying([...versions], range);
}

export const isRange = (range: string) => semver.validRange(range) !== null;

/** What a configuration follows when nothing is said: compatible releases of the version it was made with. */
export const defaultRange = (version: string) => `^${version.replace(/^v/, "")}`;

export const newestFirst = (a: string, b: string) => semver.rcompare(a, b);
