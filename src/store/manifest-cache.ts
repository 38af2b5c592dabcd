import type { ManifestRecord } from "#core/manifest.ts";

/**
 * KV `manifest:{user_uuid}:v{N}` in document 000's shape: an immutable copy for readers at the edge. D1 and R2 are the
 * truth; there is no `:latest` key, because KV lags by a minute and a device would go back in time.
 */
export async function putManifestRecord(manifests: KVNamespace, record: ManifestRecord): Promise<void> {
  await manifests.put(recordKey(record), JSON.stringify(record));
}

/** For a purge only. What an edge has cached of it goes within a minute. */
export async function removeManifestRecord(
  manifests: KVNamespace,
  of: Pick<ManifestRecord, "user_uuid" | "version">,
): Promise<void> {
  await manifests.delete(recordKey(of));
}

const recordKey = (of: Pick<ManifestRecord, "user_uuid" | "version">) => `manifest:${of.user_uuid}:v${of.version}`;
