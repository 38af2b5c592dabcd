import { compileDecisionSchema } from "#core/decision-schema.ts";
import { sha256Hex } from "#core/digest.ts";
import { Pack } from "#core/pack.ts";
import type { Deps } from "#deps.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { compilePack } from "#render/compile-pack.ts";
import { candidateBlobs } from "#store/candidate-blobs.ts";

/** A candidate's pack, compiled; null where its content is gone, or is no longer what its digest says. It compiled when it was stored. */
export async function loadCandidate(deps: Deps, digest: string): Promise<ReadyPack | null> {
  const known = deps.caches.packs.get(digest);
  if (known) return known;
  const text = await candidateBlobs.get(deps.files, digest);
  if (text === null || (await sha256Hex(text)) !== digest) return null;
  const pack = Pack.parse(JSON.parse(text));
  const compiled = compilePack(pack);
  const schema = compileDecisionSchema(pack.schema);
  if (!compiled.ok || !schema.ok) return null;
  const ready = { compiled: compiled.value, schema: schema.value };
  deps.caches.packs.set(digest, ready); // by digest, as any pack; nothing finds it by its version
  return ready;
}
