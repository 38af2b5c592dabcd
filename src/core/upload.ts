import { z } from "zod";
import type { JsonObject } from "#core/json.ts";

/** What a version of origin upload stores as its `config_data`: names and digests; the bytes stand in R2 by digest. */
export const UploadContent = z.object({
  files: z.record(z.string(), z.string().length(64)),
  /** Stored although units of it would not start. */
  force: z.literal(true).optional(),
});
export type UploadContent = z.infer<typeof UploadContent>;

/** One file as it arrived. */
export type UploadedFile = { filename: string; bytes: Uint8Array; sha256: string };

export const uploadContent = (files: readonly UploadedFile[], force: boolean): UploadContent => ({
  files: Object.fromEntries(
    files.map(({ filename, sha256 }) => [filename, sha256] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ),
  ...(force && { force: true as const }),
});

/** As it is stored and digested. */
export const uploadJson = ({ files, force }: UploadContent): JsonObject => ({ files, ...(force && { force }) });

const SUMMARY_ITEMS_MAX = 8;

/** In words, what an upload changes against another one; null: there was none before. */
export function summariseUpload(before: UploadContent | null, after: UploadContent): string {
  const names = [...new Set([...Object.keys(before?.files ?? {}), ...Object.keys(after.files)])].toSorted();
  const items = names.flatMap((name) => {
    const [old, young] = [before?.files[name], after.files[name]];
    if (old === young) return [];
    return [`${name} ${old === undefined ? "added" : young === undefined ? "removed" : "changed"}`];
  });
  if (items.length === 0) return "No file changed.";
  const rest = items.length - SUMMARY_ITEMS_MAX;
  return items.slice(0, SUMMARY_ITEMS_MAX).join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
