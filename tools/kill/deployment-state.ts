/** One object of a render's prefix in R2, with the digest of the bytes that are really there. */
export type StoredObject = { filename: string; etag: string; sha256: string; size: number; text: string };

/** Everything that storage holds of one deployment, as GET /__kill/state answers it. */
export type DeploymentState = {
  configurations: number;
  versions: { id: string; workspace_id: string; version: number }[];
  jobs: { state: string; attempts: number; faults: number; failure: string | null }[];
  renders: { version: number; manifest_checksum: string; file_count: number; deleted: number }[];
  heads: { version: number; manifest_checksum: string }[];
  /** Actions of the audit log about it, in their order. */
  audited: string[];
  /** Rows of idempotency_keys that name its versions. */
  keys: number;
  objects: StoredObject[];
  /** Records in KV. A copy: a render that was killed just before it has none. */
  cachedManifests: number;
};
