import { assetJson, releaseJson, repositoryJson } from "./github-json.ts";
import { accepts, found, NOT_FOUND, type Reply, type RepositoryCall, type RepositoryRoute } from "./github-route.ts";
import type { Release } from "./github-world.ts";

const DOCS = "https://docs.github.com/rest/releases";
const PER_PAGE_DEFAULT = 30;
const PER_PAGE_MAX = 100;

/** Releases and their assets, and the repository itself. */
export const RELEASE_ROUTES: readonly RepositoryRoute[] = [
  {
    method: "GET",
    pattern: "",
    docs: "https://docs.github.com/rest/repos/repos#get-a-repository",
    handle: ({ at, repository }) => found(repositoryJson(at, repository), repository.pushedAt),
  },
  {
    method: "GET",
    pattern: "/releases",
    docs: `${DOCS}/releases#list-releases`,
    handle: (call) =>
      page(
        call,
        visibleReleases(call).map((release) => releaseJson(call.at, call.repository, release)),
      ),
  },
  {
    method: "GET",
    pattern: "/releases/latest",
    docs: `${DOCS}/releases#get-the-latest-release`,
    handle: (call) =>
      oneRelease(
        call,
        publishedReleases(call).find((release) => !release.prerelease),
      ),
  },
  {
    method: "GET",
    pattern: "/releases/tags/*tag",
    docs: `${DOCS}/releases#get-a-release-by-tag-name`,
    handle: (call) =>
      oneRelease(
        call,
        publishedReleases(call).find((release) => release.tag === call.params.tag),
      ),
  },
  {
    method: "GET",
    pattern: "/releases/assets/:id",
    docs: `${DOCS}/assets#get-a-release-asset`,
    handle: oneAsset,
  },
  {
    method: "GET",
    pattern: "/releases/:id",
    docs: `${DOCS}/releases#get-a-release`,
    handle: (call) => oneRelease(call, releaseById(call)),
  },
  {
    method: "GET",
    pattern: "/releases/:id/assets",
    docs: `${DOCS}/assets#list-release-assets`,
    handle: (call) => {
      const release = releaseById(call);
      if (!release) return NOT_FOUND;
      return page(
        call,
        release.assets.map((asset) => assetJson(call.at, call.repository, { release, asset })),
      );
    },
  },
];

/** Newest first by the date of the commit, as GitHub lists them. Drafts only for those who may push. */
function visibleReleases({ repository, principal }: RepositoryCall): Release[] {
  return repository.releases
    .filter((release) => !release.draft || principal.push)
    .toSorted((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.id - a.id);
}

const publishedReleases = (call: RepositoryCall) => visibleReleases(call).filter((release) => !release.draft);

const releaseById = (call: RepositoryCall) =>
  visibleReleases(call).find((release) => String(release.id) === call.params.id);

function oneRelease(call: RepositoryCall, release: Release | undefined): Reply {
  return release ? found(releaseJson(call.at, call.repository, release), release.updatedAt) : NOT_FOUND;
}

function oneAsset(call: RepositoryCall): Reply {
  for (const release of visibleReleases(call)) {
    const asset = release.assets.find((one) => String(one.id) === call.params.id);
    if (!asset) continue;
    if (!accepts(call, "application/octet-stream")) {
      return found(assetJson(call.at, call.repository, { release, asset }), asset.updatedAt);
    }
    return { status: 302, body: new Uint8Array(), headers: { location: call.signedUrl(asset.id) } };
  }
  return NOT_FOUND;
}

/** One page with the Link header; addresses name the repository by id, so that they survive a renaming. */
function page(call: RepositoryCall, items: readonly unknown[]): Reply {
  const query = call.request.url.searchParams;
  const perPage = Math.min(positive(query.get("per_page")) ?? PER_PAGE_DEFAULT, PER_PAGE_MAX);
  const number = positive(query.get("page")) ?? 1;
  const last = Math.max(1, Math.ceil(items.length / perPage));
  const { path } = call.request;
  const rest = path.slice(path.indexOf("/releases"));
  const link = (rel: string, to: number) => {
    const linked = new URLSearchParams(query);
    linked.set("page", String(to));
    return `<${call.at.github}/repositories/${call.repository.id}${rest}?${linked}>; rel="${rel}"`;
  };
  const links = [
    ...(number > 1 ? [link("prev", Math.min(number - 1, last))] : []),
    ...(number < last ? [link("next", number + 1), link("last", last)] : []),
    ...(number > 1 ? [link("first", 1)] : []),
  ];
  return {
    status: 200,
    body: items.slice((number - 1) * perPage, number * perPage),
    ...(links.length > 0 && { headers: { link: links.join(", ") } }),
  };
}

/** Anything but a positive whole number counts as absent, as on GitHub. */
function positive(text: string | null): number | undefined {
  return text !== null && /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}
