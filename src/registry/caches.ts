import type { DecisionSchema } from "#core/decision-schema.ts";
import type { Lru } from "#core/lru.ts";
import type { CompiledPack } from "#render/compile-pack.ts";

/** A schema version as saves need it. */
export type ReadySchema = {
  pack: string;
  version: string;
  status: "ready" | "quarantined" | "yanked";
  packDigest: string;
  podman: { min: string; max: string | null };
  schema: DecisionSchema;
};

/** Compiled packs, ready to render, with what a job needs to know of them. */
export type ReadyPack = { compiled: CompiledPack; schema: DecisionSchema };

/** Kept in the isolate. Both are named by immutable keys and hold no tenant's data, so tenants may share them. */
export type Caches = {
  /** by pack digest */
  packs: Lru<ReadyPack>;
  /** by `pack/version`; the bytes behind one never change, only its status does, which callers read from D1 */
  schemas: Lru<ReadySchema>;
};
