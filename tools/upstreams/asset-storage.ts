import { createHmac, timingSafeEqual } from "node:crypto";
import { fullName, type Asset, type GithubWorld, type Repository } from "./github-world.ts";
import {
  matchRoute,
  NO_BYTES,
  textAnswer,
  type Answer,
  type Incoming,
  type Params,
  type Surface,
} from "./http-kernel.ts";

type Storage = {
  readonly world: GithubWorld;
  /** Address of this surface, without a slash at the end. */
  readonly url: string;
  readonly now: () => Date;
};

const LINK_LIFE_MS = 300_000;
/** Not a secret: the server is on loopback, and a link must only be hard to mistake for a lasting address. */
const SIGNING_KEY = "leger-local-upstreams";

/** A download address that works for five minutes, like those of the storage that GitHub redirects to. */
export function signedAssetUrl(storage: Storage, assetId: number): string {
  const expires = new Date(storage.now().getTime() + LINK_LIFE_MS).toISOString();
  return `${storage.url}/assets/${assetId}?se=${expires}&sig=${signature(assetId, expires)}`;
}

const signature = (assetId: number | string, expires: string) =>
  createHmac("sha256", SIGNING_KEY).update(`${assetId}\n${expires}`).digest("hex");

/** What answers a followed redirect: bytes, or 403 with XML where the link is forged or too old. */
export function storageSurface(storage: Storage): Surface {
  return {
    name: "storage",
    prefix: "/github-storage",
    answer(request) {
      const matched = matchRoute(STORAGE_ROUTES, request);
      return matched
        ? matched.route.handle({ storage, request, params: matched.params })
        : xml(404, "ResourceNotFound");
    },
  };
}

/** The pages of the web site that an API client is sent to: `browser_download_url` only. */
export function webSurface(storage: Storage): Surface {
  return {
    name: "web",
    prefix: "/github-web",
    answer(request) {
      const matched = matchRoute(WEB_ROUTES, request);
      return matched
        ? matched.route.handle({ storage, request, params: matched.params })
        : textAnswer(404, "Not Found");
    },
  };
}

type Call = { storage: Storage; request: Incoming; params: Params };

const STORAGE_ROUTES = [{ method: "GET", pattern: "/assets/:id", handle: download }];
const WEB_ROUTES = [
  { method: "GET", pattern: "/:owner/:repo/releases/download/:tag/:name", handle: redirectToStorage },
];

function download({ storage, request, params }: Call): Answer {
  const query = request.url.searchParams;
  const expires = query.get("se") ?? "";
  const given = Buffer.from(query.get("sig") ?? "");
  const wanted = Buffer.from(signature(params.id ?? "", expires));
  if (
    given.length !== wanted.length ||
    !timingSafeEqual(given, wanted) ||
    Date.parse(expires) < storage.now().getTime()
  ) {
    return xml(403, "AuthenticationFailed");
  }
  const asset = storage.world.repositories
    .flatMap((repository) => repository.releases.flatMap((release) => release.assets))
    .find((one) => String(one.id) === params.id);
  if (!asset) return xml(404, "BlobNotFound");
  asset.downloadCount += storage.world.countsDownloads ? 1 : 0;
  return {
    status: 200,
    headers: {
      "content-type": "application/octet-stream",
      "content-disposition": `attachment; filename=${asset.name}`,
      etag: `"0x${asset.updatedAt.getTime().toString(16).toUpperCase()}"`,
      "last-modified": asset.updatedAt.toUTCString(),
      "accept-ranges": "bytes",
    },
    body: asset.bytes,
  };
}

/** Without a session of the web site a private repository does not exist there, whatever token is sent along. */
function redirectToStorage({ storage, params }: Call): Answer {
  const repository = storage.world.repositories.find(
    (one) => !one.private && !one.gone && fullName(one) === `${params.owner}/${params.repo}`,
  );
  const asset = repository && publishedAsset(repository, params);
  if (!asset) return textAnswer(404, "Not Found");
  return { status: 302, headers: { location: signedAssetUrl(storage, asset.id) }, body: NO_BYTES };
}

function publishedAsset(repository: Repository, params: Params): Asset | undefined {
  const release = repository.releases.find((one) => !one.draft && one.tag === params.tag);
  return release?.assets.find((one) => one.name === params.name);
}

function xml(status: number, code: string): Answer {
  const text = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body: new TextEncoder().encode(text) };
}
