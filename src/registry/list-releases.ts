import { type Release, repositoryName } from "#registry/fetch-release.ts";
import { type GitHub, isNotModified } from "#registry/github-client.ts";

/** A list of releases, newest first. `isComplete`: no page is missing, so what is not on it is not there. */
export type ReleaseList = { releases: Release[]; etag: string | null; isComplete: boolean };

const PER_PAGE = 100;
/** GitHub shows the newest 10,000; a repository with more releases than a pack line ever has is not read to its end. */
const PAGES_MAX = 30;

/** The first page, if it changed since `etag`; null where it did not. `isFull` reads every page and asks without a condition. */
export async function listReleases(
  github: GitHub,
  fullName: string,
  { etag, isFull }: { etag: string | null; isFull: boolean },
): Promise<ReleaseList | null> {
  const request = { ...repositoryName(fullName), per_page: PER_PAGE };
  try {
    const first = await github.rest.repos.listReleases({
      ...request,
      headers: etag !== null && !isFull ? { "if-none-match": etag } : {},
    });
    const releases: Release[] = [...first.data];
    let hasMore = hasNext(first.headers.link);
    for (let page = 2; hasMore && isFull && page <= PAGES_MAX; page++) {
      const next = await github.rest.repos.listReleases({ ...request, page });
      releases.push(...next.data);
      hasMore = hasNext(next.headers.link);
    }
    return { releases, etag: first.headers.etag ?? null, isComplete: !hasMore };
  } catch (cause) {
    if (isNotModified(cause)) return null;
    throw cause;
  }
}

const hasNext = (link: string | undefined) => /rel="next"/.test(link ?? "");
