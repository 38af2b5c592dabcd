import { toHex } from "#core/digest.ts";

/**
 * The files of renders in R2: `{workspace}/v{N}/{filename}`, created and never changed (law 4). A render is committed
 * when its manifest.json exists; until then the holder of the job's lease may replace what a dead attempt left.
 */
export const MANIFEST_FILE = "manifest.json";
export const renderPrefix = (workspaceId: string, version: number) => `${workspaceId}/v${version}/`;

export type StoredFile = { filename: string; bytes: Uint8Array; sha256: string };
export type PutOutcome = "created" | "same" | "replaced" | "committed_elsewhere" | "lease_lost";

type FileFacts = { workspaceId: string; version: number; uploadedAt: string };

/** Creates one object; null where it exists already. R2 verifies the sha256 against the bytes it received. */
async function create(bucket: R2Bucket, file: StoredFile, facts: FileFacts): Promise<R2Object | null> {
  return bucket.put(renderPrefix(facts.workspaceId, facts.version) + file.filename, file.bytes, {
    ...putOptions(file, facts),
    onlyIf: { etagDoesNotMatch: "*" },
  });
}

const putOptions = (file: StoredFile, facts: FileFacts) => ({
  sha256: file.sha256,
  httpMetadata: { contentType: file.filename === MANIFEST_FILE ? "application/json" : "text/plain; charset=utf-8" },
  customMetadata: {
    "user-uuid": facts.workspaceId,
    version: String(facts.version),
    "uploaded-at": facts.uploadedAt,
    "checksum-sha256": file.sha256,
    "file-type": file.filename === MANIFEST_FILE ? "manifest" : "quadlet",
  },
});

export const renderFiles = {
  /**
   * Puts a file of a render that is not committed yet. Where another attempt left the object: equal bytes are fine;
   * other bytes are replaced by etag, unless the manifest exists by now: then that attempt's render is the result. Only
   * who holds the lease may replace: an attempt that stalled beyond its own would break what its successor is putting.
   */
  async put(
    bucket: R2Bucket,
    file: StoredFile,
    facts: FileFacts & { holdsLease: () => Promise<boolean> },
  ): Promise<PutOutcome> {
    if (await create(bucket, file, facts)) return "created";
    const prefix = renderPrefix(facts.workspaceId, facts.version);
    const existing = await bucket.head(prefix + file.filename);
    if (existing && objectSha256(existing) === file.sha256) return "same";
    if (await bucket.head(prefix + MANIFEST_FILE)) return "committed_elsewhere";
    if (!existing) return (await create(bucket, file, facts)) ? "created" : "committed_elsewhere";
    if (!(await facts.holdsLease())) return "lease_lost";
    const replaced = await bucket.put(prefix + file.filename, file.bytes, {
      ...putOptions(file, facts),
      onlyIf: { etagMatches: existing.etag },
    });
    if (replaced) return "replaced";
    throw new Error(`R2 object ${file.filename} of version ${facts.version} changed under its lease`);
  },

  /** Puts the manifest, which commits the render; where one exists, answers its bytes instead: they are the result. */
  async commit(bucket: R2Bucket, manifest: StoredFile, facts: FileFacts): Promise<Uint8Array | null> {
    if (await create(bucket, manifest, facts)) return null;
    return renderFiles.manifest(bucket, facts);
  },

  async manifest(
    bucket: R2Bucket,
    { workspaceId, version }: { workspaceId: string; version: number },
  ): Promise<Uint8Array> {
    const object = await bucket.get(renderPrefix(workspaceId, version) + MANIFEST_FILE);
    if (!object) throw new Error(`R2 has no ${MANIFEST_FILE} of version ${version}`);
    return new Uint8Array(await object.arrayBuffer());
  },

  /** For a purge only: removes every object of a version, and answers how many there were. */
  async remove(bucket: R2Bucket, of: { workspaceId: string; version: number }): Promise<number> {
    let removed = 0;
    for (;;) {
      const { objects, truncated } = await bucket.list({ prefix: renderPrefix(of.workspaceId, of.version) });
      if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
      removed += objects.length;
      if (!truncated) return removed;
    }
  },

  async get(bucket: R2Bucket, key: string): Promise<Uint8Array | null> {
    const object = await bucket.get(key);
    return object && new Uint8Array(await object.arrayBuffer());
  },
};

const objectSha256 = (object: R2Object) => {
  const checksum = object.checksums.sha256;
  return checksum ? toHex(new Uint8Array(checksum)) : null;
};
