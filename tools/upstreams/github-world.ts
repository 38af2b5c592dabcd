import path from "node:path";
import { z } from "zod";
import { GitObjects, type PackFiles } from "./git-objects.ts";
import { listFixtures, readFixture, type Fixture } from "./read-fixture.ts";

/** `size` and `digest` are what the API declares; `bytes` what a download yields. A test may make them disagree. */
export type Asset = {
  readonly id: number;
  readonly name: string;
  readonly contentType: string;
  size: number;
  digest: string | null;
  bytes: Uint8Array;
  downloadCount: number;
  readonly createdAt: Date;
  updatedAt: Date;
};

export type Release = {
  readonly id: number;
  tag: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  immutable: boolean;
  /** Date of the tagged commit, as on GitHub. */
  createdAt: Date;
  publishedAt: Date | null;
  updatedAt: Date;
  /** What the tag will point to; a draft has no tag yet. */
  commit: string;
  annotated: boolean;
  assets: Asset[];
};

/** A tag object or the commit itself, by the full name of the ref (`tags/v1.0.0`, `heads/main`). */
export type Ref = { readonly type: "commit" | "tag"; readonly sha: string };

export type Repository = {
  readonly id: number;
  owner: string;
  name: string;
  private: boolean;
  gone: boolean;
  /** `owner/name` in lower case that answer 301 to this repository. */
  formerNames: string[];
  readonly createdAt: Date;
  pushedAt: Date;
  /** Folder with one folder per version, or null. */
  readonly fixtures: string | null;
  readonly objects: GitObjects;
  readonly refs: Map<string, Ref>;
  releases: Release[];
  webhook: Webhook | null;
};

export type Webhook = { readonly url: string; readonly secret: string };

export const RepositorySpec = z.strictObject({
  /** `owner/name`. */
  fullName: z.string().regex(/^[\w.-]+\/[\w.-]+$/),
  /** Name of the pack's folder under the fixtures folder; absent: a repository without releases. */
  fixtures: z.string().optional(),
  /** Versions released at the start; absent: all. */
  published: z.array(z.string()).optional(),
  private: z.boolean().default(false),
  webhook: z.strictObject({ url: z.url(), secret: z.string() }).optional(),
});
export type RepositorySpec = z.input<typeof RepositorySpec>;

/** Everything that the GitHub side remembers. */
export type GithubWorld = {
  readonly fixturesRoot: string;
  readonly now: () => Date;
  readonly repositories: Repository[];
  nextId: number;
  /** Whether a download moves `download_count`, and with it the ETag of the list. */
  countsDownloads: boolean;
  /** Beyond so many entries a recursive tree is cut and says `truncated` (GitHub: 100,000). */
  treeEntriesMax: number;
};

export const DEFAULT_BRANCH = "heads/main";
const FIRST_RELEASE_AT = Date.UTC(2026, 0, 5, 10);
const DAY_MS = 86_400_000;

/** Fixtures without a date are released a fortnight apart on fixed days: commits have the same names everywhere. */
export const fixtureDate = (index: number) => new Date(FIRST_RELEASE_AT + index * 14 * DAY_MS);

export const fullName = (repository: Repository) => `${repository.owner}/${repository.name}`;

export function addRepository(world: GithubWorld, spec: RepositorySpec): Repository {
  const given = RepositorySpec.parse(spec);
  if (world.repositories.some((known) => fullName(known).toLowerCase() === given.fullName.toLowerCase())) {
    throw new Error(`${given.fullName} exists already`);
  }
  const [owner = "", name = ""] = given.fullName.split("/");
  const repository: Repository = {
    id: takeId(world),
    owner,
    name,
    private: given.private,
    gone: false,
    formerNames: [],
    createdAt: new Date(FIRST_RELEASE_AT - DAY_MS),
    pushedAt: new Date(FIRST_RELEASE_AT - DAY_MS),
    fixtures: given.fixtures === undefined ? null : path.join(world.fixturesRoot, given.fixtures),
    objects: new GitObjects(),
    refs: new Map(),
    releases: [],
    webhook: given.webhook ?? null,
  };
  world.repositories.push(repository);
  return repository;
}

export function takeId(world: GithubWorld): number {
  world.nextId += 1;
  return world.nextId;
}

/** Versions of a repository's fixtures, oldest first, each with the day of its release where it names none. */
export async function fixturesOf(repository: Repository): Promise<{ version: string; date: Date }[]> {
  if (repository.fixtures === null) return [];
  const versions = await listFixtures(repository.fixtures);
  return versions.map((version, index) => ({ version, date: fixtureDate(index) }));
}

export async function fixtureOf(repository: Repository, version: string): Promise<Fixture> {
  const known = await fixturesOf(repository);
  if (repository.fixtures === null || !known.some((fixture) => fixture.version === version)) {
    throw new Error(
      `${fullName(repository)} has no fixture ${version}; it has ${known.map((one) => one.version).join(", ")}`,
    );
  }
  return readFixture(repository.fixtures, version);
}

/** Adds a commit with exactly these files on top of the default branch. */
export function commitFiles(repository: Repository, given: { files: PackFiles; date: Date; message: string }): string {
  const parent = repository.refs.get(DEFAULT_BRANCH);
  const sha = repository.objects.writeCommit({
    tree: repository.objects.writeFiles(given.files),
    parents: parent ? [parent.sha] : [],
    author: { name: "Template Author", email: "author@example.com", date: given.date },
    message: given.message,
  });
  repository.refs.set(DEFAULT_BRANCH, { type: "commit", sha });
  if (given.date > repository.pushedAt) repository.pushedAt = given.date;
  return sha;
}

/** Points a tag at a commit: directly, or through a tag object. */
export function writeTagRef(
  repository: Repository,
  given: { tag: string; commit: string; annotated: boolean; date: Date },
) {
  const ref: Ref = given.annotated
    ? {
        type: "tag",
        sha: repository.objects.writeTag({
          object: given.commit,
          name: given.tag,
          tagger: { name: "Template Author", email: "author@example.com", date: given.date },
          message: `Release ${given.tag}`,
        }),
      }
    : { type: "commit", sha: given.commit };
  repository.refs.set(`tags/${given.tag}`, ref);
}
