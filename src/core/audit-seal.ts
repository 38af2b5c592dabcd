import { CompactSign, compactVerify, createLocalJWKSet, errors, importJWK } from "jose";
import { z } from "zod";
import { hasCanonicalSignature } from "#core/base64url.ts";
import { sha256Hex } from "#core/digest.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import type { SigningKey } from "#core/settings.ts";
import { publicJwks } from "#core/token.ts";

/** The digest that the first seal of a workspace names as its predecessor's. */
export const NO_SEAL = "0".repeat(64);
const TYPE = "leger-audit-seal";
const ALGORITHM = "EdDSA";

/**
 * What a seal says: rows `from_seq` to `to_seq` of a workspace had these digests, in this order, and the seal before them
 * had the digest `previous`. Changing, dropping, adding or swapping a row changes `entries`; changing a seal breaks the
 * chain and its signature.
 */
export const SealPayload = z.strictObject({
  format: z.literal(1),
  workspace_id: z.string(),
  from_seq: z.int().positive(),
  to_seq: z.int().positive(),
  previous: z.string().length(64),
  entries: z.string().length(64),
  sealed_at: z.string(),
});
export type SealPayload = z.infer<typeof SealPayload>;

export type AuditRow = {
  id: string;
  workspace_id: string;
  seq: number;
  at: string;
  actor: string;
  action: string;
  target: string;
  payload: string;
  entry_digest: string;
};
export type SealRow = {
  workspace_id: string;
  from_seq: number;
  to_seq: number;
  digest: string;
  signature: string;
  sealed_at: string;
};

/** Digest of one audit row. The number is not in it: D1 allocates it, after this was computed; the seal binds the two. */
export const entryDigest = (row: Omit<AuditRow, "seq" | "entry_digest">): Promise<string> =>
  sha256Hex(
    canonicalJson({
      id: row.id,
      workspace_id: row.workspace_id,
      at: row.at,
      actor: row.actor,
      action: row.action,
      target: row.target,
      payload: row.payload,
    }),
  );

/** Digest of a range: its rows' numbers and digests, in order. */
export const rangeDigest = (rows: readonly Pick<AuditRow, "seq" | "entry_digest">[]): Promise<string> =>
  sha256Hex(rows.map(({ seq, entry_digest }) => `${seq}:${entry_digest}\n`).join(""));

/** Seals a gapless range. The signature is a compact JWS that carries the payload, so a copy of it alone can be checked. */
export async function makeSeal(
  keys: readonly SigningKey[],
  of: { workspaceId: string; rows: readonly Pick<AuditRow, "seq" | "entry_digest">[]; previous: string; now: string },
): Promise<SealRow> {
  const [key] = keys;
  const [first, last] = [of.rows[0], of.rows.at(-1)];
  if (!key || !first || !last) throw new TypeError("a seal needs a key and rows");
  const payload: SealPayload = {
    format: 1,
    workspace_id: of.workspaceId,
    from_seq: first.seq,
    to_seq: last.seq,
    previous: of.previous,
    entries: await rangeDigest(of.rows),
    sealed_at: of.now,
  };
  const text = canonicalJson(payload as unknown as JsonObject);
  const signature = await new CompactSign(new TextEncoder().encode(text))
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: TYPE })
    .sign(await importJWK(key, ALGORITHM));
  return {
    workspace_id: of.workspaceId,
    from_seq: first.seq,
    to_seq: last.seq,
    digest: await sha256Hex(text),
    signature,
    sealed_at: of.now,
  };
}

/** The payload of a signature that this server made, with its digest; null for any other text. */
export async function openSeal(
  keys: readonly SigningKey[],
  signature: string,
): Promise<{ payload: SealPayload; digest: string } | null> {
  if (!hasCanonicalSignature(signature)) return null;
  try {
    const opened = await compactVerify(signature, createLocalJWKSet(publicJwks(keys)), { algorithms: [ALGORITHM] });
    if (opened.protectedHeader.typ !== TYPE) return null;
    const text = new TextDecoder().decode(opened.payload);
    return { payload: SealPayload.parse(JSON.parse(text)), digest: await sha256Hex(text) };
  } catch (cause) {
    if (cause instanceof errors.JOSEError || cause instanceof z.ZodError || cause instanceof SyntaxError) return null;
    throw cause;
  }
}
