import type { Addresses } from "./github-json.ts";
import type { Principal } from "./github-principals.ts";
import type { GithubWorld, Repository } from "./github-world.ts";
import type { Incoming, Params, Route } from "./http-kernel.ts";

/** What a route decides; the surface adds what every answer of the API carries (ETag, limits, ids). */
export type Reply = {
  readonly status: number;
  /** Bytes are sent as they are, everything else as JSON. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly lastModified?: Date;
};

/** One request for something in a repository that its principal may read. `path` is behind the repository's. */
export type RepositoryCall = {
  readonly world: GithubWorld;
  readonly at: Addresses;
  readonly request: Incoming;
  readonly principal: Principal;
  readonly repository: Repository;
  readonly params: Params;
  /** Address under which a download of an asset works for a few minutes. */
  signedUrl(assetId: number): string;
};

/** `docs` is the page of GitHub's documentation that its errors point to. */
export type RepositoryRoute = Route<(call: RepositoryCall) => Reply> & { readonly docs: string };

export const NOT_FOUND: Reply = { status: 404, body: { message: "Not Found" } };

export const found = (body: unknown, lastModified?: Date): Reply => ({
  status: 200,
  body,
  ...(lastModified && { lastModified }),
});

/** Whether the client asked for a media type by name, as `application/vnd.github.raw+json` or the older `.v3.raw`. */
export function accepts(call: RepositoryCall, type: string): boolean {
  const accept = call.request.headers.accept ?? "";
  return accept.split(",").some(
    (one) =>
      one
        .trim()
        .replace(".v3", "")
        .replace(/\+json.*$/, "")
        .split(";")[0] === type,
  );
}
