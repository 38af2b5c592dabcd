import semver from "semver";
import { causeText } from "#core/log.ts";
import {
  type KnownVersion,
  type ListedRelease,
  type ReleaseDecision,
  decideMissing,
  decideRelease,
} from "#core/release-decision.ts";
import { toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { admitRelease } from "#registry/admit-release.ts";
import { type Release, packAsset, repositoryName, tagCommit } from "#registry/fetch-release.ts";
import { type GitHub, requestFailure, retryAfter } from "#registry/github-client.ts";
import type { ReleaseList } from "#registry/list-releases.ts";
import type { SyncOutcome } from "#registry/sync-repository.ts";
import { auditStore } from "#store/audit-store.ts";
import { type SchemaPinRow, schemaStore } from "#store/schema-store.ts";

/** One invocation has seconds of CPU, and an admission takes one or two; the sweep goes on with the rest. */
const ADMISSIONS_MAX = 6;
/** Tags looked up in a full pass, newest first: one request each. */
const TAGS_MAX = 20;

type Pass = { github: GitHub; outcome: SyncOutcome; list: ReleaseList; isFull: boolean };

/**
 * Deals with every release of a list, oldest version first, so that each is compared with its predecessor. A release that cannot be
 * fetched holds up no other. Answers whether something was left because there is too much of it. Throws at a rate limit.
 */
export async function reconcileReleases(deps: Deps, pass: Pass): Promise<{ isUnfinished: boolean }> {
  const { github, outcome, list, isFull } = pass;
  const known = await schemaStore.selectByRepository.all(deps.db, { repository: outcome.repository });
  const rows = new Map(known.filter(({ pack }) => pack === outcome.pack).map((row) => [row.github_tag, row]));
  const commits = isFull ? await tagCommits(github, outcome.repository, [...rows.values()]) : new Map<string, string>();
  let admissions = 0;
  let isUnfinished = false;
  for (const release of list.releases.toSorted(byVersion)) {
    const row = rows.get(release.tag_name) ?? null;
    const decision = decideRelease(listed(release), {
      known: row && knownOf(row),
      rules: rulesOf(deps, outcome.pack),
      commitSha: commits.get(release.tag_name) ?? null,
    });
    if (decision.kind !== "admit") await record(deps, { outcome, decision, tag: release.tag_name, row });
    else if (admissions++ >= ADMISSIONS_MAX) isUnfinished = true;
    else await tryToAdmit(deps, { github, outcome, release });
  }
  if (list.isComplete) await yankMissing(deps, { outcome, rows, releases: list.releases });
  return { isUnfinished };
}

const byVersion = (a: Release, b: Release) =>
  semver.compare(semver.parse(a.tag_name) ?? "0.0.0", semver.parse(b.tag_name) ?? "0.0.0");

const listed = (release: Release): ListedRelease => {
  const asset = packAsset(release);
  return {
    tag: release.tag_name,
    isDraft: release.draft,
    isPrerelease: release.prerelease,
    isImmutable: release.immutable === true,
    author: release.author?.login ?? null,
    assetDigest: asset?.digest ?? null,
    hasAsset: asset !== null,
  };
};

const knownOf = (row: SchemaPinRow): KnownVersion => ({
  status: row.status,
  assetDigest: row.asset_digest,
  commitSha: row.commit_sha,
  wasReady: row.has_errors === 0,
});

function rulesOf({ settings }: Deps, pack: string) {
  const rules = settings.PACK_RULES?.[pack];
  return { publishers: rules?.publishers ?? [], requireImmutable: rules?.require_immutable ?? false };
}

async function tryToAdmit(
  deps: Deps,
  { github, outcome, release }: { github: GitHub; outcome: SyncOutcome; release: Release },
): Promise<void> {
  const { repository, pack } = outcome;
  try {
    const status = await admitRelease(deps, { github, repository, pack, release });
    (status === "ready" ? outcome.admitted : outcome.quarantined).push(release.tag_name);
  } catch (cause) {
    if (retryAfter(cause, deps.clock.now())) throw cause;
    const reason = "it could not be fetched or stored; the next sync tries again";
    outcome.skipped.push({ tag: release.tag_name, reason });
    outcome.failures++;
    deps.log("release.failed", { repository, schema_version: release.tag_name, cause: causeText(cause) });
  }
}

async function yankMissing(
  deps: Deps,
  { outcome, rows, releases }: { outcome: SyncOutcome; rows: ReadonlyMap<string, SchemaPinRow>; releases: Release[] },
): Promise<void> {
  const tags = new Set(releases.map(({ tag_name }) => tag_name));
  for (const [tag, row] of rows)
    if (!tags.has(tag)) await record(deps, { outcome, decision: decideMissing(knownOf(row)), tag, row });
}

/** Writes what a decision changes, with its audit row, and only once: a sync that finds the same again writes nothing. */
async function record(
  deps: Deps,
  of: { outcome: SyncOutcome; decision: ReleaseDecision; tag: string; row: SchemaPinRow | null },
): Promise<void> {
  const { db, ids, clock, log } = deps;
  const { outcome, decision, tag, row } = of;
  if (decision.kind === "skip" || decision.kind === "alarm" || decision.kind === "yank")
    outcome.skipped.push({ tag, reason: decision.reason });
  if (row === null) return;
  const state = nextState(row, decision);
  if (state === null || (state.status === row.status && state.alarm === row.alarm)) return;
  const action = decision.kind === "alarm" ? decision.code : decision.kind === "yank" ? "yanked" : "restored";
  log(`schema.${action}`, {
    repository: outcome.repository,
    schema_version: row.version,
    ...("reason" in decision && { reason: decision.reason }),
  });
  const at = toInstant(clock.now());
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at,
    actor: "system:registry",
    action: `schema.${action}` as const,
    target: `schema:${row.pack}/${row.version}`,
    payload: { admitted: row.asset_digest ?? row.commit_sha, reason: "reason" in decision ? decision.reason : "" },
  };
  const target = { pack: row.pack, version: row.version };
  await db.batch([
    await auditStore.forSchemaState(db, entry, { ...target, status: state.status, alarm: state.alarm }),
    schemaStore.setState.bind(db, { ...target, ...state }),
  ]);
  deps.caches.schemas.delete(`${row.pack}/${row.version}`);
}

type SchemaState = { status: SchemaPinRow["status"]; yanked_reason: string | null; alarm: string | null };

function nextState(row: SchemaPinRow, decision: ReleaseDecision): SchemaState | null {
  switch (decision.kind) {
    case "yank":
      return { status: "yanked", yanked_reason: decision.reason, alarm: row.alarm };
    case "restore":
      return { status: row.has_errors === 1 ? "quarantined" : "ready", yanked_reason: null, alarm: null };
    case "alarm": {
      const alarm = JSON.stringify({ code: decision.code, reason: decision.reason });
      return { status: row.status, yanked_reason: null, alarm };
    }
    case "keep":
      return row.status === "yanked" || row.alarm === null
        ? null
        : { status: row.status, yanked_reason: null, alarm: null };
    case "skip":
    case "admit":
      return null;
  }
}

/** Where the tags point now. A tag that is gone has no entry: the release without it is dealt with as it is listed. */
async function tagCommits(
  github: GitHub,
  fullName: string,
  rows: readonly SchemaPinRow[],
): Promise<Map<string, string>> {
  const commits = new Map<string, string>();
  const newest = rows
    .filter(({ status, commit_sha }) => status !== "yanked" && commit_sha !== "")
    .toSorted((a, b) => semver.rcompare(a.version, b.version));
  for (const { github_tag } of newest.slice(0, TAGS_MAX)) {
    try {
      commits.set(github_tag, await tagCommit(github, repositoryName(fullName), github_tag));
    } catch (cause) {
      if (requestFailure(cause)?.status !== 404) throw cause;
    }
  }
  return commits;
}
