import type { Finding } from "#core/finding.ts";
import { causeText } from "#core/log.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import { isSchemaTag } from "#core/schema-choice.ts";
import type { Deps } from "#deps.ts";
import { admitPack, quarantined } from "#registry/admit-pack.ts";
import { type Release, fetchRelease, packAsset, repositoryName } from "#registry/fetch-release.ts";
import { type GitHub, githubClient, isNotModified, retryAfter } from "#registry/github-client.ts";
import { auditStore } from "#store/audit-store.ts";
import { packBlobs } from "#store/pack-blobs.ts";
import { repositoryStore } from "#store/repository-store.ts";
import { type SchemaSummaryRow, schemaStore } from "#store/schema-store.ts";

/** Longer than a sync can take; a sync that died gives way after it. */
const SYNC_LEASE_SECONDS = 600;

export type SyncOutcome = {
  repository: string;
  pack: string;
  result: "synced" | "unchanged" | "running" | "rate_limited" | "failed";
  admitted: string[];
  quarantined: string[];
  skipped: { tag: string; reason: string }[];
  retry_at: string | null;
};

/**
 * Reconciles one repository: lists its releases (conditionally), holds them against D1, and fetches, checks and stores
 * what is missing. Without arguments and idempotent: interrupted anywhere, the next one does the rest. The list's ETag is
 * remembered only when everything on it was dealt with, or a 304 would hide what failed. A release that cannot be fetched
 * holds up no other. GitHub being away is an outcome.
 */
export async function syncRepository(deps: Deps, of: { repository: string; pack: string }): Promise<SyncOutcome> {
  const { db, clock } = deps;
  const now = clock.now();
  const outcome: SyncOutcome = { ...of, result: "synced", admitted: [], quarantined: [], skipped: [], retry_at: null };
  const [, , leased] = await db.batch([
    repositoryStore.forget.bind(db, of),
    repositoryStore.ensure.bind(db, of),
    repositoryStore.lease.bind(db, {
      repository: of.repository,
      now: toInstant(now),
      lease_until: toInstant(secondsAfter(now, SYNC_LEASE_SECONDS)),
    }),
  ]);
  const state = repositoryStore.lease.rows(leased)[0];
  if (!state) return { ...outcome, result: "running" };
  let etag = state.etag;
  if (state.not_before !== null && state.not_before > toInstant(now)) {
    outcome.result = "rate_limited";
    outcome.retry_at = state.not_before;
  } else {
    try {
      etag = await reconcile(deps, outcome, state.etag);
    } catch (cause) {
      const retryAt = retryAfter(cause, now);
      outcome.result = retryAt ? "rate_limited" : "failed";
      outcome.retry_at = retryAt && toInstant(retryAt);
      deps.log("sync.failed", { repository: of.repository, outcome: outcome.result, cause: causeText(cause) });
    }
  }
  const isDone = outcome.result === "synced" || outcome.result === "unchanged";
  await repositoryStore.finish
    .bind(db, {
      repository: of.repository,
      etag,
      synced_at: isDone ? toInstant(clock.now()) : null,
      not_before: outcome.retry_at,
      last_outcome: JSON.stringify(outcome),
    })
    .run();
  deps.log("registry.synced", {
    repository: of.repository,
    pack: of.pack,
    outcome: outcome.result,
    count: outcome.admitted.length,
  });
  return outcome;
}

/** Answers the ETag to remember. */
async function reconcile(deps: Deps, outcome: SyncOutcome, etag: string | null): Promise<string | null> {
  const github = githubClient(deps);
  const list = await listReleases(github, outcome.repository, etag);
  if (!list) {
    outcome.result = "unchanged";
    return etag;
  }
  const known = await schemaStore.selectByRepository.all(deps.db, { repository: outcome.repository });
  let failure: unknown = null;
  for (const release of list.releases.toReversed()) {
    const row = known.find(({ github_tag }) => github_tag === release.tag_name);
    const reason = skipReason(release);
    if (reason !== null) outcome.skipped.push({ tag: release.tag_name, reason });
    else if (row) await checkPinned(deps, { outcome, release, row });
    else {
      try {
        await admitRelease(deps, { github, outcome, release });
      } catch (cause) {
        if (retryAfter(cause, deps.clock.now())) throw cause;
        outcome.skipped.push({
          tag: release.tag_name,
          reason: "it could not be fetched or stored; the next sync tries again",
        });
        failure ??= cause;
      }
    }
  }
  if (failure !== null) throw failure;
  return list.etag;
}

function skipReason(release: Release): string | null {
  if (release.draft) return "draft";
  if (!isSchemaTag(release.tag_name)) return "the tag is no version";
  return null;
}

async function listReleases(
  github: GitHub,
  fullName: string,
  etag: string | null,
): Promise<{ releases: Release[]; etag: string | null } | null> {
  const repository = repositoryName(fullName);
  const request = { ...repository, per_page: 100 };
  try {
    const first = await github.rest.repos.listReleases({ ...request, headers: etag ? { "if-none-match": etag } : {} });
    const releases: Release[] = [...first.data];
    let hasMore = /rel="next"/.test(first.headers.link ?? "");
    for (let page = 2; hasMore; page++) {
      const next = await github.rest.repos.listReleases({ ...request, page });
      releases.push(...next.data);
      hasMore = /rel="next"/.test(next.headers.link ?? "");
    }
    return { releases, etag: first.headers.etag ?? null };
  } catch (cause) {
    if (isNotModified(cause)) return null;
    throw cause;
  }
}

/** A version that is known with other bytes is refused: what was admitted stays, and somebody must look. */
async function checkPinned(
  { db, log, ids, clock }: Deps,
  { outcome, release, row }: { outcome: SyncOutcome; release: Release; row: SchemaSummaryRow },
): Promise<void> {
  const digest = packAsset(release)?.digest ?? null;
  if (digest === null || row.asset_digest === null || digest === row.asset_digest) return;
  outcome.skipped.push({ tag: release.tag_name, reason: "its asset has other bytes than the ones admitted" });
  log("schema.tampered", { repository: outcome.repository, schema_version: row.version, digest });
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at: toInstant(clock.now()),
    actor: "system:registry",
    action: "schema.tampered" as const,
    target: `schema:${row.pack}/${row.version}`,
    payload: { admitted: row.asset_digest, offered: digest },
  };
  await (await auditStore.always(db, entry)).run();
}

async function admitRelease(
  deps: Deps,
  { github, outcome, release }: { github: GitHub; outcome: SyncOutcome; release: Release },
): Promise<void> {
  const { db, ids, clock } = deps;
  const { pack, repository } = outcome;
  const version = release.tag_name;
  const fetched = await fetchRelease(github, repository, release);
  const admission = fetched.ok
    ? await admitPack(fetched.value.files, { pack, version, notes: release.body ?? "" })
    : quarantined(fetched.error);
  if (admission.digest !== "") await packBlobs.put(deps, { pack, version, digest: admission.digest }, admission.text);

  const at = toInstant(clock.now());
  const row = {
    pack,
    version,
    repository,
    github_release_url: release.html_url,
    github_tag: release.tag_name,
    commit_sha: fetched.ok ? fetched.value.commitSha : "",
    asset_digest: (fetched.ok ? fetched.value.assetDigest : packAsset(release)?.digest) ?? null,
    pack_digest: admission.digest,
    template_manifest: JSON.stringify(admission.templateManifest),
    config_schema: JSON.stringify(admission.pack?.schema ?? {}),
    podman_min: admission.pack?.podman.min ?? "5.4",
    podman_max: admission.pack?.podman.max ?? null,
    status: admission.status,
    report: JSON.stringify(admission.report satisfies Finding[]),
    released_at: release.published_at ?? release.created_at,
    fetched_at: at,
  };
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at,
    actor: "system:registry",
    action: `schema.${admission.status === "ready" ? "admitted" : "quarantined"}` as const,
    target: `schema:${pack}/${version}`,
    payload: { repository, pack_digest: admission.digest, findings: admission.report.length },
  };
  await db.batch([
    schemaStore.insert.bind(db, row),
    await auditStore.forSchema(db, entry, { pack, version, fetched_at: at }),
  ]);
  (admission.status === "ready" ? outcome.admitted : outcome.quarantined).push(version);
}
