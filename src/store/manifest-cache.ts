import type { ManifestRecord } from "#core/manifest.ts";

/**
 * KV `manifest:{user_uuid}:v{N}` in document 000's shape: an immutable copy for readers at the edge. D1 and R2 are the
 * truth; there is no `:latest` key, because KV lags by a minute and a device would go back in time.
 */
export async function putManifestRecord(manifests: KVNamespace, record: ManifestRecord): Promise<void> {
  await manifests.put(`manifest:${record.user_uuid}:v${record.version}`, JSON.stringify(record));
}
