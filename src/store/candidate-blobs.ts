/**
 * Candidates in R2, named by their digest. They are a question and no truth: never in the backup bucket, and removed when
 * their row expires.
 */
const candidateKey = (digest: string) => `candidates/${digest}.json`;

export const candidateBlobs = {
  async put(files: R2Bucket, digest: string, text: string): Promise<void> {
    await files.put(candidateKey(digest), text, {
      sha256: digest,
      httpMetadata: { contentType: "application/json" },
      onlyIf: { etagDoesNotMatch: "*" }, // null means that the object is there already, and by its name it is this one
    });
  },

  async get(files: R2Bucket, digest: string): Promise<string | null> {
    const object = await files.get(candidateKey(digest));
    return object ? object.text() : null;
  },

  async remove(files: R2Bucket, digests: readonly string[]): Promise<void> {
    if (digests.length > 0) await files.delete(digests.map(candidateKey));
  },
};
