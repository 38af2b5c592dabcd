import { type JSONWebKeySet, createLocalJWKSet, errors, jwtVerify } from "jose";
import { z } from "zod";
import { hasCanonicalSignature } from "#core/base64url.ts";
import { type Result, err, ok } from "#core/result.ts";

/** Signatures with a public key only: a key set is public, so a MAC under it would be anybody's. */
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
/** How old one may be. Tailscale makes one when it is asked, so a fresh one costs a call. */
const AGE_SECONDS_MAX = 300;
const CLOCK_SECONDS = 60;

/**
 * What Tailscale signs for a node that asks for a token for an audience (tailscaled's local API, `id-token`): `key` is the
 * node's public key, `user` its owner as `domain:login`, `node` its name, `tags` empty for a person's device.
 */
const IdTokenClaims = z.object({
  key: z.string().min(1),
  user: z.string().min(1),
  node: z.string().optional(),
  tags: z.array(z.string()).nullish(),
});

export type IdTokenContext = { issuer: string; keySet: JSONWebKeySet; now: Date };
export type Expected = { audience: string; nodeKey: string | null; login: string };

/** The audience that a device asks for: this server, this sign-in (the nonce of its proof) and this key, and nothing else. */
export const enrolmentAudience = (of: { server: string; nonce: string; thumbprint: string }) =>
  `${of.server}/enrol/${of.nonce}/${of.thumbprint}`;

/**
 * Whether `token` says that the node which the devices API named, owned by the login that the users API confirmed, wants
 * this very key enrolled now. Nobody but that node can ask Tailscale for such a token.
 */
export async function verifyIdToken(
  token: string,
  { issuer, keySet, now }: IdTokenContext,
  expected: Expected,
): Promise<Result<void, string>> {
  if (!hasCanonicalSignature(token)) return err("its signature does not hold");
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keySet), {
      algorithms: ALGORITHMS,
      issuer,
      audience: expected.audience,
      currentDate: now,
      clockTolerance: CLOCK_SECONDS,
      maxTokenAge: AGE_SECONDS_MAX,
      requiredClaims: ["exp", "iat"],
    });
    // an array of audiences would make one token good for several keys
    if (typeof payload.aud !== "string") return err("it is for several audiences");
    const claims = IdTokenClaims.safeParse(payload);
    if (!claims.success) return err("a claim is missing or malformed");
    const { key, user, tags } = claims.data;
    if (tags && tags.length > 0) return err("it is a tagged device's");
    if (expected.nodeKey === null || key !== expected.nodeKey) return err("it is another device's");
    if (user.replace(/^[^:]*:/, "") !== expected.login) return err("it is another user's");
    return ok(undefined);
  } catch (cause) {
    if (cause instanceof errors.JWTClaimValidationFailed) return err(`its ${cause.claim} is not what is expected`);
    if (cause instanceof errors.JWTExpired) return err("it has expired");
    if (cause instanceof errors.JOSEError || cause instanceof TypeError) return err("its signature does not hold");
    throw cause;
  }
}
