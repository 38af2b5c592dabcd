import { sha256Hex } from "#core/digest.ts";
import type { Finding } from "#core/finding.ts";
import { LIMITS } from "#core/limits.ts";
import { type Result, err, ok } from "#core/result.ts";
import { type GitHub, requestFailure } from "#registry/github-client.ts";
import { unpackArchive } from "#registry/unpack.ts";

const ASSET_NAME = "leger-pack.tar.gz";
const ASSET_BYTES_MAX = LIMITS.pack_bytes_max.value;
const BLOBS_AT_ONCE = 6;

export type ReleaseAsset = { id: number; name: string; size: number; digest?: string | null };
export type Release = {
  tag_name: string;
  html_url: string;
  name: string | null;
  body?: string | null | undefined;
  draft: boolean;
  prerelease: boolean;
  immutable?: boolean;
  author?: { login: string } | null;
  published_at: string | null;
  created_at: string;
  assets: ReleaseAsset[];
};

/** A release's files with what pins them: the tag's commit, and the asset's digest where there is an asset. */
export type FetchedRelease = { files: Map<string, Uint8Array>; commitSha: string; assetDigest: string | null };

type Repository = { owner: string; repo: string };
export const repositoryName = (fullName: string): Repository => {
  const [owner = "", repo = ""] = fullName.split("/");
  return { owner, repo };
};

export const packAsset = (release: Release) => release.assets.find(({ name }) => name === ASSET_NAME) ?? null;

/**
 * Fetches one release's pack: the uploaded asset, its bytes held against size and digest; without an asset, the tree of
 * the tag's commit, whose objects are named by their content. Never GitHub's own archives: their bytes are not stable.
 * Throws Octokit's error for transport failures; a body cut short is one too, since it may come whole the next time.
 */
export async function fetchRelease(
  github: GitHub,
  fullName: string,
  release: Release,
): Promise<Result<FetchedRelease, Finding[]>> {
  const repository = repositoryName(fullName);
  const commitSha = await tagCommit(github, repository, release.tag_name);
  const asset = packAsset(release);
  if (!asset) {
    const files = await fetchTree(github, repository, commitSha);
    return files.ok ? ok({ files: files.value, commitSha, assetDigest: null }) : files;
  }
  if (asset.size > ASSET_BYTES_MAX) return err([tooLarge(asset.size)]);
  const bytes = await downloadAsset(github, repository, asset);
  const digest = `sha256:${await sha256Hex(bytes)}`;
  if (asset.digest && asset.digest !== digest)
    throw new IncompleteBody(`${ASSET_NAME} of ${release.tag_name} does not match its digest`);
  const files = await unpackArchive(bytes);
  return files.ok ? ok({ files: files.value, commitSha, assetDigest: digest }) : files;
}

/** Bytes that arrived are not the ones that GitHub announced: try again at the next sync. */
export class IncompleteBody extends Error {
  override readonly name = "IncompleteBody";
}

const tooLarge = (size: number): Finding => ({
  code: "pack_too_large",
  severity: "error",
  message: `${ASSET_NAME} has ${size} bytes; at most ${ASSET_BYTES_MAX} are read.`,
  action: "Make the pack smaller and release it again.",
});

/** The commit that a tag points to now. Throws where there is no such tag. */
export async function tagCommit(github: GitHub, repository: Repository, tag: string): Promise<string> {
  const { data } = await github.rest.git.getRef({ ...repository, ref: `tags/${tag}` });
  if (data.object.type !== "tag") return data.object.sha;
  const annotated = await github.rest.git.getTag({ ...repository, tag_sha: data.object.sha });
  return annotated.data.object.sha;
}

async function downloadAsset(github: GitHub, repository: Repository, asset: ReleaseAsset): Promise<Uint8Array> {
  const { data } = await github.rest.repos.getReleaseAsset({
    ...repository,
    asset_id: asset.id,
    headers: { accept: "application/octet-stream" },
  });
  const bytes = new Uint8Array(data as unknown as ArrayBuffer);
  if (bytes.byteLength !== asset.size)
    throw new IncompleteBody(`${asset.name} has ${bytes.byteLength} bytes, not ${asset.size}`);
  return bytes;
}

async function fetchTree(
  github: GitHub,
  repository: Repository,
  commitSha: string,
): Promise<Result<Map<string, Uint8Array>, Finding[]>> {
  const { data: commit } = await github.rest.git.getCommit({ ...repository, commit_sha: commitSha });
  const { data: tree } = await github.rest.git.getTree({ ...repository, tree_sha: commit.tree.sha, recursive: "1" });
  const blobs = tree.tree.filter(({ type }) => type === "blob");
  const bytes = blobs.reduce((sum, { size = 0 }) => sum + size, 0);
  if (tree.truncated || blobs.length > LIMITS.pack_files_max.value || bytes > LIMITS.pack_bytes_max.value)
    return err([tooLarge(bytes)]);
  const files = new Map<string, Uint8Array>();
  for (let at = 0; at < blobs.length; at += BLOBS_AT_ONCE) {
    const some = blobs.slice(at, at + BLOBS_AT_ONCE);
    const fetched = await Promise.all(some.map(({ sha }) => github.rest.git.getBlob({ ...repository, file_sha: sha })));
    some.forEach(({ path }, index) => {
      const content = fetched[index]?.data.content ?? "";
      files.set(
        path,
        Uint8Array.from(atob(content.replaceAll("\n", "")), (character) => character.charCodeAt(0)),
      );
    });
  }
  return ok(files);
}

/** The release of a tag, or null where GitHub has none by now. */
export async function findRelease(github: GitHub, fullName: string, tag: string): Promise<Release | null> {
  try {
    const { data } = await github.rest.repos.getReleaseByTag({ ...repositoryName(fullName), tag });
    return data;
  } catch (cause) {
    if (requestFailure(cause)?.status === 404) return null;
    throw cause;
  }
}
