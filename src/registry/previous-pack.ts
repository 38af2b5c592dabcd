import semver from "semver";
import type { Deps } from "#deps.ts";
import type { ExaminedPack } from "#registry/admission/examine-pack.ts";
import { loadPack } from "#registry/load-pack.ts";
import { schemaStore } from "#store/schema-store.ts";

/** The newest ready version below this one, with its pack; null where there is none, or where its pack is lost. */
export async function previousPack(deps: Deps, of: { pack: string; version: string }): Promise<ExaminedPack | null> {
  const ready = await schemaStore.selectCandidates.all(deps.db, { pack: of.pack });
  const below = ready.filter(({ version }) => semver.lt(version, of.version) && isComparable(version, of.version));
  const [newest] = below.toSorted((a, b) => semver.rcompare(a.version, b.version));
  if (!newest) return null;
  const pack = await loadPack(deps, newest);
  return pack.ok ? { version: newest.version, pack: pack.value } : null;
}

/** A release is not held against prereleases of others; one of its own line is what its testers have. */
const isComparable = (older: string, newer: string) =>
  semver.prerelease(older) === null || semver.prerelease(newer) !== null;
