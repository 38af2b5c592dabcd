/**
 * Uploaded files in R2, named by their digest within a workspace, so that a name can only ever mean these bytes. They exist in
 * R2 only, hence they are in the backup bucket before an upload is accepted (law 1).
 */
const uploadKey = (of: { workspaceId: string; sha256: string }) => `uploads/${of.workspaceId}/${of.sha256}`;

type Buckets = { files: R2Bucket; backups: R2Bucket };
type UploadBlob = { workspaceId: string; sha256: string };

export const uploadBlobs = {
  async put({ files, backups }: Buckets, of: UploadBlob, bytes: Uint8Array): Promise<void> {
    const options = { sha256: of.sha256, onlyIf: { etagDoesNotMatch: "*" } };
    // null means that the object is there already, and by its name it is this one
    await backups.put(uploadKey(of), bytes, options);
    await files.put(uploadKey(of), bytes, options);
  },

  async get(bucket: R2Bucket, of: UploadBlob): Promise<Uint8Array | null> {
    const object = await bucket.get(uploadKey(of));
    return object && new Uint8Array(await object.arrayBuffer());
  },

  /** Of what nothing ships. The copy in the backup bucket is locked, and expires by itself. */
  async remove({ files }: Pick<Buckets, "files">, of: readonly UploadBlob[]): Promise<void> {
    if (of.length > 0) await files.delete(of.map(uploadKey));
  },
};
