import semver from "semver";

/** One release as GitHub lists it, in what decides about it. */
export type ListedRelease = {
  tag: string;
  isDraft: boolean;
  isPrerelease: boolean;
  isImmutable: boolean;
  author: string | null;
  /** Of the pack's asset: null where GitHub names none, or where there is no asset. */
  assetDigest: string | null;
  hasAsset: boolean;
};

/** What the registry holds of that tag. */
export type KnownVersion = {
  status: "ready" | "quarantined" | "yanked";
  assetDigest: string | null;
  commitSha: string;
  /** Of a yanked one: it was ready before. */
  wasReady: boolean;
};

export type ReleaseRules = { publishers: readonly string[]; requireImmutable: boolean };

export type ReleaseDecision =
  | { kind: "skip"; reason: string }
  | { kind: "keep" }
  | { kind: "admit" }
  /** The release was taken back: nobody gets it anew, and whoever has it is told. */
  | { kind: "yank"; reason: string }
  | { kind: "restore" }
  /** The release says something else than what was admitted. The admitted pack stays; somebody must look. */
  | { kind: "alarm"; code: "tampered" | "asset_missing" | "retagged"; reason: string };

/** `v` and a semantic version, without build metadata: two releases of one version cannot both be one. */
export const isVersionTag = (tag: string) => tag.startsWith("v") && semver.valid(tag) === tag.slice(1);

/**
 * What a sync does about one listed release. `commitSha` is where the tag points now, and null where this sync did not ask. The
 * first rule that applies decides.
 */
export function decideRelease(
  release: ListedRelease,
  { known, rules, commitSha }: { known: KnownVersion | null; rules: ReleaseRules; commitSha: string | null },
): ReleaseDecision {
  if (!isVersionTag(release.tag)) return { kind: "skip", reason: "the tag is no version" };
  if (release.isDraft)
    return known && known.status !== "yanked"
      ? { kind: "yank", reason: "its release became a draft" }
      : { kind: "skip", reason: "draft" };
  return known ? decideKnown(release, known, commitSha) : decideNew(release, rules);
}

function decideNew(release: ListedRelease, rules: ReleaseRules): ReleaseDecision {
  const isPrereleaseVersion = semver.prerelease(release.tag) !== null;
  if (release.isPrerelease && !isPrereleaseVersion)
    return { kind: "skip", reason: "it is marked as a prerelease, but its version is none" };
  if (rules.requireImmutable && !release.isImmutable)
    return { kind: "skip", reason: "it is not immutable, which this registry requires" };
  if (rules.publishers.length > 0 && !rules.publishers.includes(release.author ?? ""))
    return { kind: "skip", reason: `${release.author ?? "its author"} is no trusted publisher` };
  return { kind: "admit" };
}

function decideKnown(release: ListedRelease, known: KnownVersion, commitSha: string | null): ReleaseDecision {
  const isFromTree = known.assetDigest === null;
  if (!isFromTree && !release.hasAsset)
    return { kind: "alarm", code: "asset_missing", reason: "its asset is gone; the admitted pack stays" };
  if (!isFromTree && release.assetDigest !== null && release.assetDigest !== known.assetDigest)
    return { kind: "alarm", code: "tampered", reason: "its asset has other bytes than the ones admitted" };
  if (commitSha !== null && known.commitSha !== "" && commitSha !== known.commitSha)
    return isFromTree
      ? { kind: "alarm", code: "tampered", reason: "its tag points to another commit than the one admitted" }
      : { kind: "alarm", code: "retagged", reason: "its tag points to another commit; the asset is the one admitted" };
  return known.status === "yanked" ? { kind: "restore" } : { kind: "keep" };
}

/** A known version that a complete list does not have. */
export const decideMissing = (known: KnownVersion): ReleaseDecision =>
  known.status === "yanked" ? { kind: "keep" } : { kind: "yank", reason: "its release was deleted" };
