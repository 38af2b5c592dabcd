/**
 * Packs in R2: one object per pack, named by its digest, so a name can only ever mean these bytes. A pack exists in R2
 * only, hence it is in the backup bucket before it counts as stored (law 1).
 */
const packKey = (of: { pack: string; version: string; digest: string }) =>
  `packs/${of.pack}/${of.version}/${of.digest}.json`;

type PackBlob = { pack: string; version: string; digest: string };

export const packBlobs = {
  async put(buckets: { files: R2Bucket; backups: R2Bucket }, of: PackBlob, text: string): Promise<void> {
    const options = {
      sha256: of.digest,
      httpMetadata: { contentType: "application/json" },
      onlyIf: { etagDoesNotMatch: "*" },
    };
    // null means that the object is there already, and by its name it is this one
    await buckets.backups.put(packKey(of), text, options);
    await buckets.files.put(packKey(of), text, options);
  },

  async get(files: R2Bucket, of: PackBlob): Promise<string | null> {
    const object = await files.get(packKey(of));
    return object ? object.text() : null;
  },
};
