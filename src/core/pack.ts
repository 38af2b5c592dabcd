import { z } from "zod";
import { Json, JsonObject } from "#core/json.ts";

/** How outputs are made: `template` is a path in the pack; `when` a Nunjucks expression that must be true. */
export const PackOutput = z.strictObject({
  template: z.string(),
  output: z.string(),
  when: z.string().optional(),
  /** May hold values of decisions marked `x-sensitive` (DESIGN 8). */
  sensitive: z.boolean().optional(),
});
export type PackOutput = z.infer<typeof PackOutput>;

/** A file of the pack that is shipped as it is, under `output`. */
export const PackCopy = z.strictObject({ path: z.string(), output: z.string() });
export type PackCopy = z.infer<typeof PackCopy>;

/**
 * One release of a template repository, unpacked: what R2 holds as `packs/{pack}/{version}/{digest}.json`, what the
 * engine compiles and what `leger-pack` reads from a folder. All text is UTF-8; `files` has every file of the release by its
 * path (templates, copies, data), `data` the parsed JSON files by base name.
 */
export const Pack = z.strictObject({
  format: z.literal(1),
  pack: z.string(),
  version: z.string(),
  name: z.string(),
  description: z.string(),
  /** `down_level: false`: keys that are newer than the target are errors, also where `PodmanArgs=` could say them. */
  podman: z.strictObject({ min: z.string(), max: z.string().nullable(), down_level: z.boolean().optional() }),
  engine: z.strictObject({ trim_blocks: z.boolean(), lstrip_blocks: z.boolean() }),
  outputs: z.array(PackOutput),
  copies: z.array(PackCopy),
  schema: JsonObject,
  data: z.record(z.string(), Json),
  files: z.record(z.string(), z.string()),
  migrations: z.array(Json),
});
export type Pack = z.infer<typeof Pack>;
