import { createHash } from "node:crypto";
import { z } from "zod";
import type { PackFile, PackFiles } from "./git-objects.ts";
import {
  commitFiles,
  fixtureOf,
  fullName,
  takeId,
  writeTagRef,
  type Asset,
  type GithubWorld,
  type Release,
  type Repository,
} from "./github-world.ts";
import { packArchive, PACK_ASSET_NAME } from "./pack-archive.ts";
import type { Fixture } from "./read-fixture.ts";

/** Text, or bytes in base64 with a mode; null takes a file away from the fixture that it is laid over. */
export const FileChange = z.union([
  z.string(),
  z.null(),
  z.strictObject({ base64: z.base64(), mode: z.enum(["100644", "100755", "120000"]).default("100644") }),
]);

export const PublishInput = z.strictObject({
  repository: z.string().optional(),
  /** Tag of the new release. */
  tag: z.string().min(1),
  /** Version folder that gives its content; absent: the folder named as the tag, or no files where `files` is given. */
  fixture: z.string().optional(),
  /** Laid over the fixture's files. */
  files: z.record(z.string(), FileChange).optional(),
  /** True: made when the fixture says, and not now; the same release then has the same commit in every run. */
  ownDate: z.boolean().optional(),
  name: z.string().optional(),
  body: z.string().optional(),
  draft: z.boolean().optional(),
  prerelease: z.boolean().optional(),
  immutable: z.boolean().optional(),
  annotated: z.boolean().optional(),
  /** Whether `leger-pack.tar.gz` is uploaded. */
  asset: z.boolean().optional(),
});
export type PublishInput = z.output<typeof PublishInput>;

export const EditReleaseInput = z.strictObject({
  repository: z.string().optional(),
  release: z.union([z.string(), z.int()]),
  name: z.string().nullable().optional(),
  body: z.string().nullable().optional(),
  draft: z.boolean().optional(),
  prerelease: z.boolean().optional(),
  immutable: z.boolean().optional(),
  tag: z.string().min(1).optional(),
});
export type EditReleaseInput = z.output<typeof EditReleaseInput>;

export const ReplaceAssetInput = z.strictObject({
  repository: z.string().optional(),
  release: z.union([z.string(), z.int()]),
  /** Asset of this name goes, and one with new bytes and a new id comes. */
  name: z.string().default(PACK_ASSET_NAME),
  /** The new bytes, or: the archive of another fixture, with `files` laid over it. */
  base64: z.base64().optional(),
  fixture: z.string().optional(),
  files: z.record(z.string(), FileChange).optional(),
  contentType: z.string().default("application/gzip"),
  /** What the API claims instead of the truth. `digest` null: none, as for assets from before June 2025. */
  digest: z.string().nullable().optional(),
  size: z.int().nonnegative().optional(),
  /** True: the API goes on as if nothing had happened (same id, size, digest and dates). */
  silently: z.boolean().default(false),
});
export type ReplaceAssetInput = z.output<typeof ReplaceAssetInput>;

/** One release by id, or by tag (the newest one where several drafts share it). */
export function findRelease(repository: Repository, wanted: string | number): Release {
  const found = repository.releases.findLast((release) => release.id === wanted || release.tag === wanted);
  if (found) return found;
  const known = repository.releases.map((release) => release.tag).join(", ");
  throw new Error(`${fullName(repository)} has no release ${wanted}; it has ${known || "none"}`);
}

/** Releases a fixture as its release.json says; `date` stands where it gives none. */
export async function releaseFixture(
  world: GithubWorld,
  repository: Repository,
  of: { fixture: Fixture; date: Date },
): Promise<Release> {
  const { settings, version } = of.fixture;
  const createdAt = settings.created_at === undefined ? of.date : new Date(settings.created_at);
  return addRelease(world, repository, {
    tag: settings.tag_name ?? version,
    files: of.fixture.files,
    name: settings.name ?? version,
    body: settings.body ?? null,
    draft: settings.draft,
    prerelease: settings.prerelease,
    immutable: settings.immutable,
    annotated: settings.annotated_tag,
    asset: settings.asset,
    createdAt,
    publishedAt: settings.published_at === undefined ? createdAt : new Date(settings.published_at),
  });
}

export async function publishRelease(
  world: GithubWorld,
  repository: Repository,
  given: PublishInput,
): Promise<Release> {
  const fixtureTag = given.fixture ?? (given.files ? undefined : given.tag);
  const fixture = fixtureTag === undefined ? undefined : await fixtureOf(repository, fixtureTag);
  const own = given.ownDate ? fixture?.settings.created_at : undefined;
  const date = own === undefined ? world.now() : new Date(own);
  return addRelease(world, repository, {
    tag: given.tag,
    files: overlay(fixture?.files, given.files),
    name: given.name ?? fixture?.settings.name ?? given.tag,
    body: given.body ?? fixture?.settings.body ?? null,
    draft: given.draft ?? false,
    prerelease: given.prerelease ?? fixture?.settings.prerelease ?? false,
    immutable: given.immutable ?? fixture?.settings.immutable ?? false,
    annotated: given.annotated ?? fixture?.settings.annotated_tag ?? false,
    asset: given.asset ?? fixture?.settings.asset ?? true,
    createdAt: date,
    publishedAt: date,
  });
}

type NewRelease = Pick<Release, "tag" | "name" | "body" | "draft" | "prerelease" | "immutable" | "annotated"> & {
  readonly files: PackFiles;
  readonly asset: boolean;
  readonly createdAt: Date;
  /** What a draft has not got yet. */
  readonly publishedAt: Date;
};

async function addRelease(world: GithubWorld, repository: Repository, given: NewRelease): Promise<Release> {
  const { files, asset, createdAt, publishedAt, ...fields } = given;
  if (!given.draft) refuseTagTwice(repository, given.tag);
  const bytes = asset ? await packArchive(files) : undefined;
  const release: Release = {
    ...fields,
    id: takeId(world),
    createdAt,
    publishedAt: given.draft ? null : publishedAt,
    updatedAt: publishedAt,
    commit: commitFiles(repository, { files, date: createdAt, message: `Release ${given.tag}` }),
    assets: [],
  };
  const packed = { name: PACK_ASSET_NAME, contentType: "application/gzip", date: publishedAt };
  if (bytes) release.assets.push(newAsset(world, { ...packed, bytes }));
  if (!given.draft) tagRelease(repository, release, createdAt);
  repository.releases.push(release);
  return release;
}

/** Publishing a draft makes its tag; taking a release back to a draft leaves the tag where it is. */
export function editRelease(world: GithubWorld, repository: Repository, input: EditReleaseInput): Release {
  const release = findRelease(repository, input.release);
  const wasDraft = release.draft;
  const tag = input.tag ?? release.tag;
  const draft = input.draft ?? wasDraft;
  const isNewlyTagged = !draft && (wasDraft || tag !== release.tag);
  if (isNewlyTagged) refuseTagTwice(repository, tag);
  if (draft !== wasDraft) release.publishedAt = draft ? null : world.now();
  Object.assign(release, {
    tag,
    draft,
    name: input.name === undefined ? release.name : input.name,
    body: input.body === undefined ? release.body : input.body,
    prerelease: input.prerelease ?? release.prerelease,
    immutable: input.immutable ?? release.immutable,
    updatedAt: world.now(),
  } satisfies Partial<Release>);
  if (isNewlyTagged) tagRelease(repository, release, world.now());
  return release;
}

/** The tag stays, as on GitHub, unless it is asked for too. */
export function removeRelease(repository: Repository, wanted: string | number, options: { tag: boolean }): Release {
  const release = findRelease(repository, wanted);
  repository.releases = repository.releases.filter((known) => known !== release);
  if (options.tag) repository.refs.delete(`tags/${release.tag}`);
  return release;
}

/** Moves the tag to a new commit with other files. The release and its assets stay as they were. */
export async function retagRelease(
  world: GithubWorld,
  repository: Repository,
  input: Pick<PublishInput, "fixture" | "files"> & { release: string | number },
): Promise<Release> {
  const release = findRelease(repository, input.release);
  const fixture = input.fixture === undefined ? undefined : await fixtureOf(repository, input.fixture);
  const files = overlay(fixture?.files ?? filesOf(repository, release.commit), input.files);
  release.commit = commitFiles(repository, { files, date: world.now(), message: `Release ${release.tag} again` });
  tagRelease(repository, release, world.now());
  return release;
}

export async function replaceAsset(
  world: GithubWorld,
  repository: Repository,
  given: ReplaceAssetInput,
): Promise<Asset> {
  const release = findRelease(repository, given.release);
  const old = release.assets.find((asset) => asset.name === given.name);
  const fixture = given.fixture === undefined ? undefined : await fixtureOf(repository, given.fixture);
  const bytes =
    given.base64 === undefined
      ? await packArchive(overlay(fixture?.files ?? filesOf(repository, release.commit), given.files))
      : Buffer.from(given.base64, "base64");
  if (given.silently) {
    if (!old) throw new Error(`${release.tag} has no asset ${given.name} to replace silently`);
    old.bytes = bytes;
    return old;
  }
  const asset = newAsset(world, { name: given.name, contentType: given.contentType, bytes, date: world.now() });
  if (given.digest !== undefined) asset.digest = given.digest;
  if (given.size !== undefined) asset.size = given.size;
  release.assets = [...release.assets.filter((known) => known !== old), asset];
  release.updatedAt = world.now();
  return asset;
}

export function removeAsset(world: GithubWorld, release: Release, name: string): void {
  if (!release.assets.some((asset) => asset.name === name)) throw new Error(`${release.tag} has no asset ${name}`);
  release.assets = release.assets.filter((asset) => asset.name !== name);
  release.updatedAt = world.now();
}

function newAsset(
  world: GithubWorld,
  given: { name: string; contentType: string; bytes: Uint8Array; date: Date },
): Asset {
  return {
    id: takeId(world),
    name: given.name,
    contentType: given.contentType,
    size: given.bytes.length,
    digest: `sha256:${createHash("sha256").update(given.bytes).digest("hex")}`,
    bytes: given.bytes,
    downloadCount: 0,
    createdAt: given.date,
    updatedAt: given.date,
  };
}

/** Drafts may share a tag; published releases may not, on GitHub either. */
function refuseTagTwice(repository: Repository, tag: string): void {
  if (repository.releases.some((known) => !known.draft && known.tag === tag)) {
    throw new Error(`${fullName(repository)} has a published release ${tag} already`);
  }
}

function tagRelease(repository: Repository, release: Release, date: Date): void {
  writeTagRef(repository, { tag: release.tag, commit: release.commit, annotated: release.annotated, date });
}

function overlay(base: PackFiles | undefined, changes: PublishInput["files"]): PackFiles {
  const files = new Map<string, PackFile>(base);
  for (const [path, change] of Object.entries(changes ?? {})) {
    if (change === null) files.delete(path);
    else if (typeof change === "string") files.set(path, { bytes: Buffer.from(change), mode: "100644" });
    else files.set(path, { bytes: Buffer.from(change.base64, "base64"), mode: change.mode });
  }
  return files;
}

/** The files of a commit, read back from its objects. */
function filesOf(repository: Repository, commit: string): Map<string, PackFile> {
  const files = new Map<string, PackFile>();
  const visit = (tree: string, prefix: string) => {
    for (const { mode, name, sha } of repository.objects.tree(tree) ?? []) {
      if (mode === "40000") visit(sha, `${prefix}${name}/`);
      else files.set(prefix + name, { bytes: repository.objects.get(sha)?.content ?? new Uint8Array(), mode });
    }
  };
  visit(repository.objects.commit(commit)?.tree ?? "", "");
  return files;
}
