import { readAs } from "#actions/read-as.ts";
import { startCounting } from "#actions/request-impact.ts";
import { AppError } from "#core/errors.ts";
import type { Finding } from "#core/finding.ts";
import { LIMITS } from "#core/limits.ts";
import type { Caller, Principal } from "#core/principal.ts";
import { secondsAfter, toInstant } from "#core/runtime.ts";
import type { Deps } from "#deps.ts";
import { type Admission, admitPack, examined } from "#registry/admit-pack.ts";
import { previousPack } from "#registry/previous-pack.ts";
import { unpackArchive } from "#registry/unpack.ts";
import { auditStore } from "#store/audit-store.ts";
import { candidateBlobs } from "#store/candidate-blobs.ts";
import { candidateStore } from "#store/candidate-store.ts";
import { impactStore } from "#store/impact-store.ts";
import { schemaStore } from "#store/schema-store.ts";

/** How long a candidate can be asked about; the sweep removes it after that. Sending it again begins anew. */
const KEPT_SECONDS = 7 * 86_400;

export type ExaminedCandidate = {
  admission: Admission;
  /** Null for one that would be quarantined: nothing was stored. */ expiresAt: string | null;
};

/**
 * Examines a pack as if it were released under `version` (operator), and counts what it would do. It is not admitted: it has no row among the
 * schemas, so nobody can choose it, and no backup. Its row, its object in R2 and its job are three writes, each harmless
 * without the next and each found by sending the same bytes again.
 */
export async function previewCandidate(
  deps: Deps,
  caller: Caller,
  of: { pack: string; version: string; readArchive: () => Promise<Uint8Array> },
): Promise<ExaminedCandidate> {
  const { pack, version } = of;
  const { principal, results } = await readAs(deps, { caller, permission: "operator" }, [
    schemaStore.selectOne.bind(deps.db, { pack, version }),
  ]);
  if (schemaStore.selectOne.rows(results[0]).length > 0) throw AppError.of("schema_version_taken", { pack, version });
  const files = await unpackArchive(await of.readArchive());
  if (!files.ok) throw unreadable(files.error);
  const admitted = await admitPack(files.value, { pack, version, notes: "" });
  if (admitted.pack === null) throw unreadable(admitted.report);
  const admission = examined(admitted, { version, previous: await previousPack(deps, { pack, version }) });
  if (admission.status !== "ready") return { admission, expiresAt: null };
  return { admission, expiresAt: await store(deps, principal, { pack, version, admission }) };
}

const TOO_LARGE = new Set(["pack_too_large", "pack_too_many_files", "pack_file_too_large"]);

const unreadable = (findings: Finding[]): AppError =>
  findings.some(({ code }) => TOO_LARGE.has(code))
    ? AppError.of("candidate_too_large", { limit: LIMITS.pack_bytes_max.value }, { details: findings })
    : AppError.of("candidate_unreadable", { count: findings.length }, { details: findings });

async function store(
  deps: Deps,
  principal: Principal,
  { pack, version, admission }: { pack: string; version: string; admission: Admission },
): Promise<string> {
  const { db, ids, clock } = deps;
  const { digest, text } = admission;
  const now = clock.now();
  const at = toInstant(now);
  const expiresAt = toInstant(secondsAfter(now, KEPT_SECONDS));
  const entry = {
    id: ids.uuid(),
    workspaceId: "system",
    at,
    actor: principal.actor,
    action: "candidate.previewed" as const,
    target: `schema:${pack}/${version}`,
    payload: { pack_digest: digest },
  };
  const [, stored] = await db.batch([
    await auditStore.forCandidate(db, entry, digest),
    candidateStore.put.bind(db, {
      digest,
      pack,
      schema_version: version,
      podman_min: admission.pack?.podman.min ?? "",
      podman_max: admission.pack?.podman.max ?? null,
      report: JSON.stringify(admission.report),
      matrix: admission.matrix && JSON.stringify(admission.matrix),
      compatibility: admission.compatibility && JSON.stringify(admission.compatibility),
      created_at: at,
      expires_at: expiresAt,
    }),
    candidateStore.expireOldest.bind(db, { keep: LIMITS.candidates_max.value, now: at }),
  ]);
  // The row first: while it has not expired, nobody removes the object.
  if (candidateStore.put.rows(stored).length === 0) throw AppError.of("candidate_expiring", {});
  await candidateBlobs.put(deps.files, digest, text);
  await impactStore.startForCandidate.bind(db, { id: ids.uuid(), pack, digest, now: at }).run();
  startCounting(deps);
  return expiresAt;
}
