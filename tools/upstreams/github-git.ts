import { blobJson, commitJson, gitCommitJson, refJson, tagJson, treeJson } from "./github-json.ts";
import { accepts, found, NOT_FOUND, type Reply, type RepositoryCall, type RepositoryRoute } from "./github-route.ts";
import type { Repository } from "./github-world.ts";

const DOCS = "https://docs.github.com/rest/git";

/** Refs and objects of the git database. */
export const GIT_ROUTES: readonly RepositoryRoute[] = [
  { method: "GET", pattern: "/git/ref/*ref", docs: `${DOCS}/refs#get-a-reference`, handle: oneRef },
  {
    method: "GET",
    pattern: "/git/tags/:sha",
    docs: `${DOCS}/tags#get-a-tag`,
    handle: ({ at, repository, params }) => orNotFound(tagJson(at, repository, params.sha ?? "")),
  },
  {
    method: "GET",
    pattern: "/git/commits/:sha",
    docs: `${DOCS}/commits#get-a-commit-object`,
    handle: ({ at, repository, params }) => orNotFound(gitCommitJson(at, repository, params.sha ?? "")),
  },
  { method: "GET", pattern: "/git/trees/*tree", docs: `${DOCS}/trees#get-a-tree`, handle: oneTree },
  { method: "GET", pattern: "/git/blobs/:sha", docs: `${DOCS}/blobs#get-a-blob`, handle: oneBlob },
  {
    method: "GET",
    pattern: "/commits/*ref",
    docs: "https://docs.github.com/rest/commits/commits#get-a-commit",
    handle: oneCommit,
  },
];

const orNotFound = (body: unknown): Reply => (body === undefined ? NOT_FOUND : found(body));

function oneRef({ at, repository, params }: RepositoryCall): Reply {
  const name = params.ref ?? "";
  const ref = repository.refs.get(name);
  return ref ? found(refJson(at, repository, { name, ref })) : NOT_FOUND;
}

/** A commit by its name, a part of it, a tag or a branch; `application/vnd.github.sha` asks for the name alone. */
function oneCommit(call: RepositoryCall): Reply {
  const sha = resolveCommit(call.repository, call.params.ref ?? "");
  const commit = sha === undefined ? undefined : call.repository.objects.commit(sha);
  if (sha === undefined || !commit) {
    return { status: 422, body: { message: `No commit found for SHA: ${call.params.ref}` } };
  }
  if (accepts(call, "application/vnd.github.sha")) {
    return {
      status: 200,
      body: Buffer.from(sha),
      headers: { "content-type": "application/vnd.github.sha; charset=utf-8" },
      lastModified: commit.author.date,
    };
  }
  return found(commitJson(call.at, call.repository, { sha, commit }), commit.author.date);
}

/** The tree may be named by itself, by a commit or by a ref. `recursive` counts with any value, even `0`. */
function oneTree({ world, at, repository, params, request }: RepositoryCall): Reply {
  const name = params.tree ?? "";
  const commit = resolveCommit(repository, name);
  const sha = commit === undefined ? name : repository.objects.commit(commit)?.tree;
  if (sha === undefined || !repository.objects.tree(sha)) return NOT_FOUND;
  const recursive = request.url.searchParams.has("recursive");
  return found(treeJson(at, repository, { sha, recursive, entriesMax: world.treeEntriesMax }));
}

function oneBlob(call: RepositoryCall): Reply {
  const sha = call.params.sha ?? "";
  const blob = blobJson(call.at, call.repository, sha);
  const object = call.repository.objects.get(sha);
  if (!blob || !object) return NOT_FOUND;
  if (!accepts(call, "application/vnd.github.raw")) return found(blob);
  return {
    status: 200,
    body: object.content,
    headers: { "content-type": "application/vnd.github.raw; charset=utf-8" },
  };
}

function resolveCommit(repository: Repository, name: string): string | undefined {
  const ref = [name, `tags/${name}`, `heads/${name}`, name.replace(/^refs\//, "")]
    .map((candidate) => repository.refs.get(candidate))
    .find((candidate) => candidate !== undefined);
  if (!ref) return repository.objects.commitByPrefix(name);
  return ref.type === "tag" ? repository.objects.tag(ref.sha)?.object : ref.sha;
}
