import type { DecisionSchema } from "#core/decision-schema.ts";
import { type Lru, createLru } from "#core/lru.ts";
import type { VerifiedDevice } from "#core/tailscale.ts";
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

/** Kept in the isolate. Packs and schemas are named by immutable keys and hold no tenant's data, so tenants may share them. */
export type Caches = {
  /** by pack digest */
  packs: Lru<ReadyPack>;
  /** by `pack/version`; the bytes behind one never change, only its status does, which callers read from D1 */
  schemas: Lru<ReadySchema>;
  /** by the claims; what Tailscale confirmed, for five minutes at most. Refusals are never kept. */
  verifications: Lru<{ device: VerifiedDevice; untilMs: number }>;
  /** by tailnet; access tokens of OAuth clients, until shortly before they end */
  tailscaleTokens: Lru<{ token: string; untilMs: number }>;
  /** by installation; a secret, which is why it is nowhere else */
  githubTokens: Lru<{ token: string; expiresAt: number }>;
};

export const createCaches = (): Caches => ({
  packs: createLru(8),
  githubTokens: createLru(4),
  schemas: createLru(64),
  verifications: createLru(1000),
  tailscaleTokens: createLru(100),
});
