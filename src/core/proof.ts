import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, errors, importJWK } from "jose";
import { z } from "zod";
import { hasCanonicalSignature, toBase64url } from "#core/base64url.ts";
import { LIMITS } from "#core/limits.ts";
import { checkNonce } from "#core/nonce.ts";
import { type Result, err, ok } from "#core/result.ts";

/** A real proof has about 500 characters. */
const PROOF_CHARS_MAX = LIMITS.device_proof_chars_max.value;
/** How far a device's clock may be off. */
export const PROOF_CLOCK_SECONDS = 300;

/** The public half only: a header that carries `d` has given its key away. */
const ProofKey = z.strictObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().regex(/^[\w-]{43}$/),
});
const ProofHeader = z.object({ typ: z.literal("dpop+jwt"), alg: z.literal("EdDSA"), jwk: ProofKey });
const ProofClaims = z.object({
  jti: z.string().min(8).max(128),
  htm: z.string().max(20),
  htu: z.string().max(2000),
  iat: z.number(),
  nonce: z.string().max(100).optional(),
  ath: z.string().max(100).optional(),
});

export type ProofRefusal =
  | { code: "proof_invalid"; detail: string }
  | { code: "proof_mismatch"; detail: string }
  | { code: "proof_key_mismatch" }
  | { code: "proof_clock"; seconds: number }
  | { code: "use_dpop_nonce" };

/** A proof that holds. `jti` is what must not come twice with this key; the nonce says for how long that matters. */
export type Proof = { thumbprint: string; jti: string; nonce: string; isNonceToBeRenewed: boolean };

export type ProofContext = {
  method: string;
  /** The address as the client knows it; query and fragment do not count (RFC 9449, 4.3). */
  url: string;
  /** The access token that comes with it, and the key that it is bound to; null at sign-in, which is how a key arrives. */
  bound: { token: string; thumbprint: string } | null;
  nonceSecret: string;
  now: Date;
};

/**
 * Checks a DPoP proof (RFC 9449, 4.3) except for whether it was used before, which the batch of the write decides.
 * Strictly Ed25519, and always with a nonce of this server: a proof made ahead of time is none.
 */
export async function verifyProof(text: string, context: ProofContext): Promise<Result<Proof, ProofRefusal>> {
  const opened = await openProof(text);
  if (!opened.ok) return err({ code: "proof_invalid", detail: opened.error });
  const { claims, thumbprint } = opened.value;
  if (context.bound && thumbprint !== context.bound.thumbprint) return err({ code: "proof_key_mismatch" });
  if (claims.htm !== context.method) return err({ code: "proof_mismatch", detail: "another method (htm)" });
  if (!isSameAddress(claims.htu, context.url)) return err({ code: "proof_mismatch", detail: "another address (htu)" });
  if (context.bound && claims.ath !== (await tokenHash(context.bound.token)))
    return err({ code: "proof_mismatch", detail: "another token (ath)" });
  if (claims.nonce === undefined) return err({ code: "use_dpop_nonce" });
  const nonce = await checkNonce(context.nonceSecret, claims.nonce, context.now);
  if (!nonce.ok) return err({ code: "use_dpop_nonce" });
  const seconds = Math.round(claims.iat - context.now.getTime() / 1000);
  if (!(Math.abs(seconds) <= PROOF_CLOCK_SECONDS)) return err({ code: "proof_clock", seconds });
  return ok({ thumbprint, jti: claims.jti, nonce: claims.nonce, isNonceToBeRenewed: nonce.value.isToBeRenewed });
}

type Opened = { claims: z.infer<typeof ProofClaims>; thumbprint: string };

async function openProof(text: string): Promise<Result<Opened, string>> {
  if (text.length > PROOF_CHARS_MAX) return err(`it is longer than ${PROOF_CHARS_MAX} characters`);
  if (!hasCanonicalSignature(text)) return err("its signature does not hold");
  try {
    const header = ProofHeader.safeParse(decodeProtectedHeader(text));
    if (!header.success) return err("its header is not that of an Ed25519 DPoP proof");
    const { jwk } = header.data;
    const { payload } = await compactVerify(text, await importJWK(jwk, "EdDSA"), { algorithms: ["EdDSA"] });
    const claims = ProofClaims.safeParse(JSON.parse(new TextDecoder().decode(payload)));
    if (!claims.success) return err("a claim is missing or malformed");
    return ok({ claims: claims.data, thumbprint: await calculateJwkThumbprint(jwk) });
  } catch (cause) {
    if (isMalformed(cause)) return err("its signature does not hold");
    throw cause;
  }
}

/** What jose and Web Crypto throw for bytes that are no proof, no key or no JSON. */
const isMalformed = (cause: unknown) =>
  cause instanceof errors.JOSEError ||
  cause instanceof TypeError ||
  cause instanceof SyntaxError ||
  (cause instanceof Error && (cause.name === "DataError" || cause.name === "OperationError"));

function isSameAddress(claimed: string, actual: string): boolean {
  if (!URL.canParse(claimed)) return false;
  const [a, b] = [new URL(claimed), new URL(actual)];
  return a.origin === b.origin && a.pathname === b.pathname && a.username === "" && a.password === "";
}

/** `ath`: base64url of the SHA-256 of the access token (RFC 9449, 4.2). */
export async function tokenHash(token: string): Promise<string> {
  return toBase64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token))));
}
