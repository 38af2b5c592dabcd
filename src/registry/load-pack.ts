import { compileDecisionSchema } from "#core/decision-schema.ts";
import { sha256Hex } from "#core/digest.ts";
import type { Finding } from "#core/finding.ts";
import { Pack } from "#core/pack.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { Deps } from "#deps.ts";
import { admitPack } from "#registry/admit-pack.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { fetchRelease, findRelease } from "#registry/fetch-release.ts";
import { githubClient } from "#registry/github-client.ts";
import { compilePack } from "#render/compile-pack.ts";
import { packBlobs } from "#store/pack-blobs.ts";
import type { SchemaSummaryRow } from "#store/schema-store.ts";

/**
 * The compiled pack of a schema version: from the isolate's memory by digest, else from R2, else, where R2 has lost it, from
 * the backup bucket or fetched again from its pinned release. Throws for transport failures (they come back); answers findings
 * when the release is gone or no longer has the pinned bytes: then no try will ever help.
 */
export async function loadPack(deps: Deps, row: SchemaSummaryRow): Promise<Result<ReadyPack, Finding[]>> {
  const known = deps.caches.packs.get(row.pack_digest);
  if (known) return ok(known);
  const of = { pack: row.pack, version: row.version, digest: row.pack_digest };
  const text = (await readIntact(deps, deps.files, of)) ?? (await restorePack(deps, row));
  if (text === null) return err([lost(row)]);

  const ready = readPack(text);
  if (ready.ok) deps.caches.packs.set(row.pack_digest, ready.value);
  return ready;
}

/** The pack that a stored text holds, compiled. */
export function readPack(text: string): Result<ReadyPack, Finding[]> {
  const pack = Pack.parse(JSON.parse(text));
  const compiled = compilePack(pack);
  if (!compiled.ok) return compiled;
  const schema = compileDecisionSchema(pack.schema);
  return schema.ok ? ok({ compiled: compiled.value, schema: schema.value }) : schema;
}

/** A pack's text where its bytes are the ones that its name says; others are an alarm and count as none. */
async function readIntact(
  { log }: Deps,
  bucket: R2Bucket,
  of: { pack: string; version: string; digest: string },
): Promise<string | null> {
  const text = await packBlobs.get(bucket, of);
  if (text === null || (await sha256Hex(text)) === of.digest) return text;
  log("object.corrupt", { pack: of.pack, schema_version: of.version, digest: of.digest, reason: "digest" });
  return null;
}

async function restorePack(deps: Deps, row: SchemaSummaryRow): Promise<string | null> {
  const of = { pack: row.pack, version: row.version, digest: row.pack_digest };
  const text = (await readIntact(deps, deps.backups, of)) ?? (await fetchPinned(deps, row));
  if (text === null) return null;
  await packBlobs.put(deps, of, text);
  deps.log("pack.restored", { pack: row.pack, schema_version: row.version, digest: row.pack_digest });
  return text;
}

async function fetchPinned(deps: Deps, row: SchemaSummaryRow): Promise<string | null> {
  const github = await githubClient(deps);
  const release = await findRelease(github, row.repository, row.github_tag);
  if (!release) return null;
  const fetched = await fetchRelease(github, row.repository, release);
  if (!fetched.ok || fetched.value.assetDigest !== row.asset_digest) return null;
  const admission = await admitPack(fetched.value.files, { pack: row.pack, version: row.version, notes: "" });
  return admission.digest === row.pack_digest ? admission.text : null;
}

const lost = (row: SchemaSummaryRow): Finding => ({
  code: "pack_lost",
  severity: "error",
  message: `The pack ${row.pack} ${row.version} is in no storage any more, and its release no longer has the bytes that were admitted.`,
  action: "Save with another schema version, or ask the operator to restore the pack from a backup.",
});
