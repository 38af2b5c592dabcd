import type { Context } from "hono";
import type { ApiEnv } from "#api/context.ts";
import { AppError } from "#core/errors.ts";
import { makeNonce } from "#core/nonce.ts";
import { type Proof, type ProofRefusal, verifyProof } from "#core/proof.ts";

/**
 * The proof of a request's DPoP header (RFC 9449), null where there is none. `bound` is the token that it must belong to;
 * at sign-in there is none yet. An answer to a proof whose nonce grows old brings the next one.
 */
export async function proveKey(
  c: Context<ApiEnv>,
  bound: { token: string; thumbprint: string } | null,
): Promise<Proof | null> {
  const header = c.req.header("dpop");
  if (header === undefined) return null;
  const { settings, clock } = c.get("deps");
  const now = clock.now();
  const url = new URL(c.req.path, settings.PUBLIC_URL).href;
  const context = { method: c.req.method, url, bound, nonceSecret: settings.LINK_SIGNING_KEY, now };
  const proof = await verifyProof(header, context);
  if (!proof.ok) throw refusal(proof.error);
  if (proof.value.isNonceToBeRenewed) c.header("dpop-nonce", await makeNonce(settings.LINK_SIGNING_KEY, now));
  return proof.value;
}

function refusal(refused: ProofRefusal): AppError {
  switch (refused.code) {
    case "proof_invalid":
    case "proof_mismatch":
      return AppError.of(refused.code, { detail: refused.detail });
    case "proof_clock":
      return AppError.of("proof_clock", { seconds: refused.seconds });
    case "proof_key_mismatch":
    case "use_dpop_nonce":
      return AppError.of(refused.code, {});
  }
}

/** Codes that ask for another proof, and RFC 9449's word for why (7.1). */
const CHALLENGES: Partial<Record<AppError["code"], string>> = {
  proof_missing: "invalid_dpop_proof",
  proof_invalid: "invalid_dpop_proof",
  proof_mismatch: "invalid_dpop_proof",
  proof_key_mismatch: "invalid_dpop_proof",
  proof_clock: "invalid_dpop_proof",
  proof_replayed: "invalid_dpop_proof",
  use_dpop_nonce: "use_dpop_nonce",
};

/** Says on a 401 what would be accepted: a token, or a proof with the nonce that comes along. */
export async function challenge(c: Context<ApiEnv>, error: AppError): Promise<void> {
  const word = CHALLENGES[error.code];
  if (word === undefined) {
    c.header("www-authenticate", 'Bearer realm="leger"');
    return;
  }
  const { settings, clock } = c.get("deps");
  c.header("www-authenticate", `DPoP realm="leger", error="${word}", algs="EdDSA"`);
  c.header("dpop-nonce", await makeNonce(settings.LINK_SIGNING_KEY, clock.now()));
}
