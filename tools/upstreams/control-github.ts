import { z } from "zod";
import { call } from "./control-call.ts";
import { AppSpec, TokenSpec, type GithubPrincipals } from "./github-principals.ts";
import {
  addRepository,
  fixturesOf,
  fullName,
  RepositorySpec,
  type GithubWorld,
  type Release,
  type Repository,
} from "./github-world.ts";
import { RateLimitInput, type RateLimit } from "./rate-limit.ts";
import { PACK_ASSET_NAME } from "./pack-archive.ts";
import { readFixture } from "./read-fixture.ts";
import {
  editRelease,
  EditReleaseInput,
  FileChange,
  findRelease,
  publishRelease,
  PublishInput,
  releaseFixture,
  removeAsset,
  removeRelease,
  replaceAsset,
  ReplaceAssetInput,
  retagRelease,
} from "./release-changes.ts";
import { releaseActions, type Webhooks } from "./webhooks.ts";

type Parts = {
  readonly world: GithubWorld;
  readonly principals: GithubPrincipals;
  readonly rateLimit: RateLimit;
  readonly webhooks: Webhooks;
};

/** `owner/name`; absent: the first repository. */
const InRepository = z.strictObject({ repository: z.string().optional() });
const OneRelease = InRepository.extend({ release: z.union([z.string(), z.int()]) });

/** What a test may do to the GitHub side. Releases are named by tag or id. */
export function githubControl({ world, principals, rateLimit, webhooks }: Parts) {
  const within = (name: string | undefined) => findRepository(world, name);
  return {
    releases: call(InRepository.default({}), ({ repository }) => {
      const found = within(repository);
      return found.releases.map((release) => summary(found, release));
    }),
    publishRelease: call(PublishInput, async (input) => {
      const repository = within(input.repository);
      const release = await publishRelease(world, repository, input);
      webhooks.release(repository, release, releaseActions(null, release));
      return summary(repository, release);
    }),
    editRelease: call(EditReleaseInput, (input) => {
      const repository = within(input.repository);
      const was = { ...findRelease(repository, input.release) };
      const release = editRelease(world, repository, input);
      webhooks.release(repository, release, releaseActions(was, release));
      return summary(repository, release);
    }),
    removeRelease: call(OneRelease.extend({ deleteTag: z.boolean().default(false) }), (input) => {
      const repository = within(input.repository);
      const release = removeRelease(repository, input.release, { tag: input.deleteTag });
      webhooks.release(repository, release, ["deleted"]);
      return summary(repository, release);
    }),
    retagRelease: call(
      OneRelease.extend({ fixture: z.string().optional(), files: z.record(z.string(), FileChange).optional() }),
      async (input) => {
        const repository = within(input.repository);
        return summary(repository, await retagRelease(world, repository, input));
      },
    ),
    replaceAsset: call(ReplaceAssetInput, async (input) => {
      const repository = within(input.repository);
      await replaceAsset(world, repository, input);
      return summary(repository, findRelease(repository, input.release));
    }),
    removeAsset: call(OneRelease.extend({ name: z.string().default(PACK_ASSET_NAME) }), (input) => {
      const repository = within(input.repository);
      const release = findRelease(repository, input.release);
      removeAsset(world, release, input.name);
      return summary(repository, release);
    }),
    ...repositoryCalls(world, within),
    /** `treeEntriesMax` cuts recursive trees; `countsDownloads` lets each download move the list's ETag. */
    setGithub: call(
      z.strictObject({ treeEntriesMax: z.int().positive().optional(), countsDownloads: z.boolean().optional() }),
      (input) => {
        world.treeEntriesMax = input.treeEntriesMax ?? world.treeEntriesMax;
        world.countsDownloads = input.countsDownloads ?? world.countsDownloads;
      },
    ),
    setRateLimit: call(RateLimitInput, (input) => rateLimit.set(input)),
    addToken: call(TokenSpec, (input) => principals.add(input)),
    addApp: call(AppSpec, (input) => principals.addApp(input)),
    revokeToken: call(z.strictObject({ token: z.string() }), ({ token }) => principals.revoke(token)),
    /** From now on changes of releases are announced there; GitHub greets a new address with `ping`. */
    setWebhook: call(InRepository.extend({ url: z.url().nullable(), secret: z.string().default("") }), (input) => {
      const repository = within(input.repository);
      repository.webhook = input.url === null ? null : { url: input.url, secret: input.secret };
      webhooks.ping(repository);
    }),
    /** Waits for the deliveries that are under way. */
    deliveries: () => webhooks.settled(),
    redeliver: call(z.strictObject({ id: z.string() }), ({ id }) => webhooks.redeliver(id)),
  };
}

function repositoryCalls(world: GithubWorld, within: (name: string | undefined) => Repository) {
  return {
    repositories: () =>
      world.repositories.map((repository) => ({
        id: repository.id,
        fullName: fullName(repository),
        private: repository.private,
        gone: repository.gone,
        releases: repository.releases.map((release) => release.tag),
      })),
    addRepository: call(RepositorySpec, async (spec) => {
      await openRepository(world, spec);
    }),
    /** `fullName` renames (the old name answers 301); `gone` makes it 404 until it is false again. */
    editRepository: call(
      InRepository.extend({
        fullName: RepositorySpec.shape.fullName.optional(),
        private: z.boolean().optional(),
        gone: z.boolean().optional(),
      }),
      (input) => {
        const repository = within(input.repository);
        repository.private = input.private ?? repository.private;
        repository.gone = input.gone ?? repository.gone;
        if (input.fullName !== undefined) rename(repository, input.fullName);
      },
    ),
  };
}

/** Adds a repository and releases its fixtures, oldest first: all, or those that `published` names. */
export async function openRepository(world: GithubWorld, spec: z.input<typeof RepositorySpec>): Promise<void> {
  const repository = addRepository(world, spec);
  const fixtures = await fixturesOf(repository);
  const unknown = spec.published?.filter((one) => !fixtures.some(({ version }) => version === one)) ?? [];
  if (unknown.length > 0) throw new Error(`${spec.fullName} has no fixture ${unknown.join(", ")}`);
  for (const { version, date } of fixtures) {
    if (repository.fixtures === null || spec.published?.includes(version) === false) continue;
    await releaseFixture(world, repository, { fixture: await readFixture(repository.fixtures, version), date });
  }
}

function rename(repository: Repository, to: string): void {
  const [owner = "", name = ""] = to.split("/");
  const former = fullName(repository).toLowerCase();
  repository.formerNames = [...repository.formerNames, former].filter((one) => one !== to.toLowerCase());
  repository.owner = owner;
  repository.name = name;
}

function findRepository(world: GithubWorld, name: string | undefined): Repository {
  const found = world.repositories.find(
    (one) => name === undefined || fullName(one).toLowerCase() === name.toLowerCase(),
  );
  if (found) return found;
  throw new Error(
    `there is no repository ${name ?? "at all"}; there are ${world.repositories.map(fullName).join(", ") || "none"}`,
  );
}

/** A release as the control surface tells of it: also what no client could see. */
function summary(repository: Repository, release: Release) {
  const ref = repository.refs.get(`tags/${release.tag}`);
  return {
    id: release.id,
    tag: release.tag,
    name: release.name,
    draft: release.draft,
    prerelease: release.prerelease,
    immutable: release.immutable,
    publishedAt: release.publishedAt?.toISOString() ?? null,
    commit: release.commit,
    tree: repository.objects.commit(release.commit)?.tree ?? null,
    tagRef: ref ?? null,
    assets: release.assets.map(({ id, name, size, digest }) => ({ id, name, size, digest })),
  };
}
