import type { RestEndpointMethodTypes } from "@octokit/rest";
import type { Commit, GitObjects, Signature } from "./git-objects.ts";
import { fullName, type Asset, type Ref, type Release, type Repository } from "./github-world.ts";

type Methods = RestEndpointMethodTypes;
type ReleaseJson = Methods["repos"]["getRelease"]["response"]["data"];
type AssetJson = Methods["repos"]["getReleaseAsset"]["response"]["data"];
type UserJson = ReleaseJson["author"];
type RefJson = Methods["git"]["getRef"]["response"]["data"];
type TagJson = Methods["git"]["getTag"]["response"]["data"];
type GitCommitJson = Methods["git"]["getCommit"]["response"]["data"];
type CommitJson = Methods["repos"]["getCommit"]["response"]["data"];
type TreeJson = Methods["git"]["getTree"]["response"]["data"];
type BlobJson = Methods["git"]["getBlob"]["response"]["data"];
type RepositoryJson = Pick<
  Methods["repos"]["get"]["response"]["data"],
  | "id"
  | "node_id"
  | "name"
  | "full_name"
  | "private"
  | "owner"
  | "html_url"
  | "description"
  | "fork"
  | "url"
  | "releases_url"
  | "created_at"
  | "updated_at"
  | "pushed_at"
  | "default_branch"
  | "archived"
  | "disabled"
> & { visibility: string };

/** Where this server is reachable: bodies carry whole addresses. */
export type Addresses = { readonly github: string; readonly web: string };

/** GitHub writes instants without fractions of a second. */
export const githubTime = (date: Date) => date.toISOString().replace(/\.\d{3}Z$/, "Z");

/** The opaque id that GraphQL uses; REST clients see it and never need it. */
const nodeId = (kind: string, id: string | number) => Buffer.from(`${kind}:${id}`).toString("base64url");

const repositoryUrl = (at: Addresses, repository: Repository) => `${at.github}/repos/${fullName(repository)}`;
const repositoryPage = (at: Addresses, repository: Repository) => `${at.web}/${fullName(repository)}`;

export function userJson(at: Addresses, login: string, type: "User" | "Organization"): UserJson {
  const url = `${at.github}/users/${login}`;
  return {
    login,
    id: 1,
    node_id: nodeId(type, login),
    avatar_url: `${at.web}/avatars/${login}`,
    gravatar_id: "",
    url,
    html_url: `${at.web}/${login}`,
    followers_url: `${url}/followers`,
    following_url: `${url}/following{/other_user}`,
    gists_url: `${url}/gists{/gist_id}`,
    starred_url: `${url}/starred{/owner}{/repo}`,
    subscriptions_url: `${url}/subscriptions`,
    organizations_url: `${url}/orgs`,
    repos_url: `${url}/repos`,
    events_url: `${url}/events{/privacy}`,
    received_events_url: `${url}/received_events`,
    type,
    site_admin: false,
  };
}

/** A part of GitHub's: the fields that say what a repository is, none of the fifty addresses and counts. */
export function repositoryJson(at: Addresses, repository: Repository): RepositoryJson {
  const url = repositoryUrl(at, repository);
  return {
    id: repository.id,
    node_id: nodeId("Repository", repository.id),
    name: repository.name,
    full_name: fullName(repository),
    private: repository.private,
    owner: userJson(at, repository.owner, "Organization"),
    html_url: repositoryPage(at, repository),
    description: null,
    fork: false,
    url,
    releases_url: `${url}/releases{/id}`,
    created_at: githubTime(repository.createdAt),
    updated_at: githubTime(repository.pushedAt),
    pushed_at: githubTime(repository.pushedAt),
    default_branch: "main",
    archived: false,
    disabled: false,
    visibility: repository.private ? "private" : "public",
  };
}

export function releaseJson(at: Addresses, repository: Repository, release: Release): ReleaseJson {
  const url = `${repositoryUrl(at, repository)}/releases/${release.id}`;
  const page = repositoryPage(at, repository);
  const tag = encodeURIComponent(release.tag);
  return {
    url,
    assets_url: `${url}/assets`,
    upload_url: `${url}/assets{?name,label}`,
    html_url: release.draft ? `${page}/releases/tag/untagged-${release.id}` : `${page}/releases/tag/${tag}`,
    id: release.id,
    author: userJson(at, "template-author", "User"),
    node_id: nodeId("Release", release.id),
    tag_name: release.tag,
    target_commitish: "main",
    name: release.name,
    draft: release.draft,
    immutable: release.immutable,
    prerelease: release.prerelease,
    created_at: githubTime(release.createdAt),
    updated_at: githubTime(release.updatedAt),
    published_at: release.publishedAt && githubTime(release.publishedAt),
    assets: release.assets.map((asset) => assetJson(at, repository, { release, asset })),
    tarball_url: release.draft ? null : `${repositoryUrl(at, repository)}/tarball/${tag}`,
    zipball_url: release.draft ? null : `${repositoryUrl(at, repository)}/zipball/${tag}`,
    body: release.body,
  };
}

export function assetJson(
  at: Addresses,
  repository: Repository,
  { release, asset }: { release: Release; asset: Asset },
): AssetJson {
  return {
    url: `${repositoryUrl(at, repository)}/releases/assets/${asset.id}`,
    id: asset.id,
    node_id: nodeId("ReleaseAsset", asset.id),
    name: asset.name,
    label: "",
    uploader: userJson(at, "template-author", "User"),
    content_type: asset.contentType,
    state: "uploaded",
    size: asset.size,
    digest: asset.digest,
    download_count: asset.downloadCount,
    created_at: githubTime(asset.createdAt),
    updated_at: githubTime(asset.updatedAt),
    browser_download_url: `${repositoryPage(at, repository)}/releases/download/${encodeURIComponent(release.tag)}/${encodeURIComponent(asset.name)}`,
  };
}

const signatureJson = ({ name, email, date }: Signature) => ({ name, email, date: githubTime(date) });
const UNSIGNED = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };

/** Addresses of one git object; the plural in the path is GitHub's. */
const gitUrl = (at: Addresses, repository: Repository, of: { type: string; sha: string }) =>
  `${repositoryUrl(at, repository)}/git/${of.type}s/${of.sha}`;

export function refJson(at: Addresses, repository: Repository, { name, ref }: { name: string; ref: Ref }): RefJson {
  return {
    ref: `refs/${name}`,
    node_id: nodeId("Ref", `${repository.id}:refs/${name}`),
    url: `${repositoryUrl(at, repository)}/git/refs/${name}`,
    object: { sha: ref.sha, type: ref.type, url: gitUrl(at, repository, ref) },
  };
}

export function tagJson(at: Addresses, repository: Repository, sha: string): TagJson | undefined {
  const tag = repository.objects.tag(sha);
  if (!tag) return undefined;
  return {
    node_id: nodeId("Tag", `${repository.id}:${sha}`),
    sha,
    url: gitUrl(at, repository, { type: "tag", sha }),
    tagger: signatureJson(tag.tagger),
    object: { sha: tag.object, type: "commit", url: gitUrl(at, repository, { type: "commit", sha: tag.object }) },
    tag: tag.name,
    message: `${tag.message}\n`,
    verification: UNSIGNED,
  };
}

export function gitCommitJson(at: Addresses, repository: Repository, sha: string): GitCommitJson | undefined {
  const commit = repository.objects.commit(sha);
  if (!commit) return undefined;
  return {
    sha,
    node_id: nodeId("Commit", `${repository.id}:${sha}`),
    url: gitUrl(at, repository, { type: "commit", sha }),
    html_url: `${repositoryPage(at, repository)}/commit/${sha}`,
    author: signatureJson(commit.author),
    committer: signatureJson(commit.author),
    tree: { sha: commit.tree, url: gitUrl(at, repository, { type: "tree", sha: commit.tree }) },
    message: commit.message,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: gitUrl(at, repository, { type: "commit", sha: parent }),
      html_url: `${repositoryPage(at, repository)}/commit/${parent}`,
    })),
    verification: UNSIGNED,
  };
}

/** `/commits/{ref}`, without the list of changed files. */
export function commitJson(at: Addresses, repository: Repository, of: { sha: string; commit: Commit }): CommitJson {
  const url = `${repositoryUrl(at, repository)}/commits/${of.sha}`;
  const { commit } = of;
  return {
    sha: of.sha,
    node_id: nodeId("Commit", `${repository.id}:${of.sha}`),
    commit: {
      author: signatureJson(commit.author),
      committer: signatureJson(commit.author),
      message: commit.message,
      tree: { sha: commit.tree, url: gitUrl(at, repository, { type: "tree", sha: commit.tree }) },
      url: gitUrl(at, repository, { type: "commit", sha: of.sha }),
      comment_count: 0,
      verification: UNSIGNED,
    },
    url,
    html_url: `${repositoryPage(at, repository)}/commit/${of.sha}`,
    comments_url: `${url}/comments`,
    author: null,
    committer: null,
    parents: commit.parents.map((parent) => ({
      sha: parent,
      url: `${repositoryUrl(at, repository)}/commits/${parent}`,
      html_url: `${repositoryPage(at, repository)}/commit/${parent}`,
    })),
  };
}

export function treeJson(
  at: Addresses,
  repository: Repository,
  of: { sha: string; recursive: boolean; entriesMax: number },
): TreeJson {
  const all = listTree(repository.objects, { sha: of.sha, prefix: "", recursive: of.recursive });
  const tree = all.slice(0, of.entriesMax).map(({ path, mode, sha }) => {
    const object = repository.objects.get(sha);
    const type = object?.type ?? "blob";
    const size = type === "blob" && object ? { size: object.content.length } : {};
    return { path, mode, type, sha, ...size, url: gitUrl(at, repository, { type, sha }) };
  });
  return {
    sha: of.sha,
    url: gitUrl(at, repository, { type: "tree", sha: of.sha }),
    tree,
    truncated: all.length > of.entriesMax,
  };
}

type Listed = { path: string; mode: string; sha: string };

/** A folder comes before what is in it; modes have six digits, as the API writes them. */
function listTree(objects: GitObjects, of: { sha: string; prefix: string; recursive: boolean }): Listed[] {
  return (objects.tree(of.sha) ?? []).flatMap(({ mode, name, sha }) => {
    const path = of.prefix + name;
    const listed = { path, mode: mode.padStart(6, "0"), sha };
    if (mode !== "40000" || !of.recursive) return [listed];
    return [listed, ...listTree(objects, { sha, prefix: `${path}/`, recursive: true })];
  });
}

export function blobJson(at: Addresses, repository: Repository, sha: string): BlobJson | undefined {
  const object = repository.objects.get(sha);
  if (object?.type !== "blob") return undefined;
  const base64 = Buffer.from(object.content).toString("base64");
  return {
    sha,
    node_id: nodeId("Blob", `${repository.id}:${sha}`),
    size: object.content.length,
    url: gitUrl(at, repository, { type: "blob", sha }),
    // Lines of sixty characters, each ended, as GitHub sends them: a strict decoder must strip them.
    content: base64.replaceAll(/.{1,60}/g, "$&\n"),
    encoding: "base64",
  };
}
