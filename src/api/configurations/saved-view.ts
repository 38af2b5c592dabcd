import type { SavedVersion } from "#actions/saved-version.ts";
import { versionView } from "#api/configurations/version-view.ts";

/** A configuration's ETag is its newest version. */
export const etag = (version: number) => `"${version}"`;

export const savedView = ({ version, unchanged, pruned, warnings }: SavedVersion) => ({
  version: versionView(version),
  unchanged,
  pruned,
  warnings,
  watch: `/renders/${version.version}`,
});
