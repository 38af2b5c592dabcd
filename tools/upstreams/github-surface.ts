import { createHash } from "node:crypto";
import { GIT_ROUTES } from "./github-git.ts";
import { githubTime, type Addresses } from "./github-json.ts";
import type { GithubPrincipals, Principal } from "./github-principals.ts";
import { RELEASE_ROUTES } from "./github-releases.ts";
import { NOT_FOUND, type Reply, type RepositoryRoute } from "./github-route.ts";
import { fullName, type GithubWorld, type Repository } from "./github-world.ts";
import { header, matchRoute, NO_BYTES, textAnswer, type Answer, type Incoming, type Surface } from "./http-kernel.ts";
import type { RateLimit, RateState } from "./rate-limit.ts";

type Github = {
  readonly world: GithubWorld;
  readonly at: Addresses;
  readonly principals: GithubPrincipals;
  readonly rateLimit: RateLimit;
  signedUrl(assetId: number): string;
};

const DOCS = "https://docs.github.com/rest";
const ROUTES: readonly RepositoryRoute[] = [...RELEASE_ROUTES, ...GIT_ROUTES];
const API_VERSION = "2022-11-28";
const VARY = "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, X-Requested-With";

/**
 * GitHub's REST API, version 2022-11-28, as far as a reader of releases sees it. What it does not serve answers 404,
 * as an unknown path does there.
 */
export function githubSurface(github: Github): Surface {
  let requests = 0;
  const ids = () => {
    requests += 1;
    const part = requests.toString(16).toUpperCase().padStart(4, "0");
    return `${part}:${part}A:${part}BC:${part}DE:6900${part}`;
  };
  return { name: "github", prefix: "/github", answer: (request) => answerRequest(github, request, ids()) };
}

function answerRequest(github: Github, request: Incoming, requestId: string): Answer {
  // Workers send no User-Agent by themselves, and GitHub refuses requests without one.
  if (!header(request.headers, "user-agent")) {
    return textAnswer(
      403,
      "Request forbidden by administrative rules. Please make sure your request has a User-Agent header " +
        "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n",
    );
  }
  const principal = github.principals.identify(request.headers);
  // An app signs itself in with a JWT, which is no token of the list.
  const minting = /^\/app\/installations\/(\d+)\/access_tokens$/.exec(request.path);
  if (minting && request.method === "POST") return mint(github, request, { requestId, id: Number(minting[1]) });
  const known = principal ?? { key: "anonymous", authenticated: false, push: false, canRead: () => false };
  const before = github.rateLimit.look(known);
  const complete = (reply: Reply, docs: string, isFree = false) =>
    finish({ github, request, requestId, principal: known, isFree }, reply, docs);
  if (request.path === "/rate_limit") return complete(rateLimitReply(before), DOCS, true);
  if (before.remaining === 0)
    return complete(refusedByLimit(known, before), `${DOCS}/using-the-rest-api/rate-limits-for-the-rest-api`, true);
  if (!principal) return complete({ status: 401, body: { message: "Bad credentials" } }, DOCS);
  const { reply, docs } = dispatch(github, request, principal);
  return complete(reply, docs);
}

function dispatch(github: Github, request: Incoming, principal: Principal): { reply: Reply; docs: string } {
  const place = findRepository(github, request.path, principal);
  if (!place) return { reply: NOT_FOUND, docs: DOCS };
  const { repository, rest, movedFrom } = place;
  if (movedFrom)
    return {
      reply: moved(github, request, { repository, rest }),
      docs: `${DOCS}/guides/best-practices-for-using-the-rest-api#follow-redirects`,
    };
  const matched = matchRoute(ROUTES, { method: request.method, path: rest });
  if (!matched) return { reply: NOT_FOUND, docs: DOCS };
  const { world, at } = github;
  const signedUrl = (assetId: number) => github.signedUrl(assetId);
  const reply = matched.route.handle({ world, at, request, principal, repository, params: matched.params, signedUrl });
  return { reply, docs: matched.route.docs };
}

type Place = { repository: Repository; rest: string; movedFrom: boolean };

/** `/repos/{owner}/{repo}` (in any case of letters, or a former name) or `/repositories/{id}`. */
function findRepository(github: Github, path: string, principal: Principal): Place | undefined {
  const [, root, first = "", second = "", ...others] = path.split("/");
  const visible = github.world.repositories.filter(
    (one) => !one.gone && (!one.private || principal.canRead(fullName(one))),
  );
  if (root === "repositories") {
    const repository = visible.find((one) => String(one.id) === first);
    const rest = [second, ...others].map((segment) => `/${segment}`).join("");
    return repository && { repository, rest: rest === "/" ? "" : rest, movedFrom: false };
  }
  if (root !== "repos") return undefined;
  const name = `${first}/${second}`.toLowerCase();
  const rest = others.map((segment) => `/${segment}`).join("");
  const repository = visible.find((one) => fullName(one).toLowerCase() === name);
  if (repository) return { repository, rest, movedFrom: false };
  const former = visible.find((one) => one.formerNames.includes(name));
  return former && { repository: former, rest, movedFrom: true };
}

function moved(github: Github, request: Incoming, to: { repository: Repository; rest: string }): Reply {
  const url = `${github.at.github}/repositories/${to.repository.id}${to.rest}${request.url.search}`;
  return { status: 301, body: { message: "Moved Permanently", url }, headers: { location: url } };
}

function mint(github: Github, request: Incoming, given: { requestId: string; id: number }): Answer {
  const minted = github.principals.mint(request.headers, given.id);
  const principal = { key: `app-${given.id}`, authenticated: true, push: false, canRead: () => false };
  const docs = `${DOCS}/apps/apps#create-an-installation-access-token-for-an-app`;
  const reply: Reply = minted
    ? {
        status: 201,
        body: {
          token: minted.token,
          expires_at: githubTime(minted.expiresAt),
          permissions: { contents: "read", metadata: "read" },
          repository_selection: "selected",
        },
      }
    : { status: 401, body: { message: "A JSON web token could not be decoded" } };
  return finish({ github, request, requestId: given.requestId, principal, isFree: false }, reply, docs);
}

function rateLimitReply(rate: RateState): Reply {
  return { status: 200, body: { resources: { core: rate }, rate } };
}

function refusedByLimit(principal: Principal, rate: RateState): Reply {
  const whom = principal.authenticated ? "user" : "127.0.0.1";
  const hint =
    " (But here's the good news: Authenticated requests get a higher rate limit. Check out the documentation for more details.)";
  return {
    status: 403,
    body: { message: `API rate limit exceeded for ${whom}.${principal.authenticated ? "" : hint}` },
    headers: { "x-ratelimit-reset": String(rate.reset) },
  };
}

type Finishing = { github: Github; request: Incoming; requestId: string; principal: Principal; isFree: boolean };

/** Adds what every answer carries, and turns an answer that the client has already into a 304. */
function finish(of: Finishing, reply: Reply, docs: string): Answer {
  const { github, request, principal } = of;
  const isBytes = reply.body instanceof Uint8Array;
  const isError = reply.status >= 300 && !isBytes;
  const json = isError
    ? { ...(reply.body as object), documentation_url: docs, status: String(reply.status) }
    : reply.body;
  const body = reply.body instanceof Uint8Array ? reply.body : new TextEncoder().encode(JSON.stringify(json));
  const validators: Record<string, string> =
    reply.status === 200
      ? {
          etag: etagOf(request, body),
          ...(reply.lastModified && { "last-modified": reply.lastModified.toUTCString() }),
        }
      : {};
  const isUnchanged = reply.status === 200 && isFresh(request, validators);
  // A 304 costs nothing, but only to those who said who they are.
  const isCharged = !of.isFree && !(isUnchanged && principal.authenticated);
  const rate = github.rateLimit.look(principal, isCharged);
  return {
    status: isUnchanged ? 304 : reply.status,
    headers: {
      ...(!isUnchanged && { "content-type": "application/json; charset=utf-8" }),
      ...validators,
      ...reply.headers,
      "cache-control": principal.authenticated ? "private, max-age=60, s-maxage=60" : "public, max-age=60, s-maxage=60",
      vary: VARY,
      server: "github.com",
      "x-github-media-type": "github.v3; format=json",
      "x-github-api-version-selected": API_VERSION,
      "x-github-request-id": of.requestId,
      "x-ratelimit-limit": String(rate.limit),
      "x-ratelimit-remaining": String(rate.remaining),
      "x-ratelimit-reset": String(rate.reset),
      "x-ratelimit-used": String(rate.used),
      "x-ratelimit-resource": "core",
    },
    body: isUnchanged ? NO_BYTES : body,
  };
}

/**
 * Weak, and made of the body and of who asks in which form: the same list has another ETag for another token, so a
 * client that changes tokens (an app's live an hour) starts anew. GitHub does so too.
 */
function etagOf(request: Incoming, body: Uint8Array): string {
  const form = [header(request.headers, "accept") ?? "", header(request.headers, "authorization") ?? ""];
  return `W/"${createHash("sha256").update(JSON.stringify(form)).update(body).digest("hex")}"`;
}

function isFresh(request: Incoming, validators: Readonly<Record<string, string>>): boolean {
  const opaque = (etag: string) => etag.trim().replace(/^W\//, "");
  const wanted = header(request.headers, "if-none-match");
  if (wanted !== undefined) return wanted.split(",").some((one) => opaque(one) === opaque(validators.etag ?? ""));
  const since = Date.parse(header(request.headers, "if-modified-since") ?? "");
  const modified = Date.parse(validators["last-modified"] ?? "");
  return modified <= since;
}
