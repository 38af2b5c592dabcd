import { SignJWT, createLocalJWKSet, errors, importJWK, jwtVerify } from "jose";
import { hasCanonicalSignature } from "#core/base64url.ts";
import { TokenClaims } from "#core/principal.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { SigningKey } from "#core/settings.ts";

/**
 * Tokens are `leg_` and a JWT signed with Ed25519. Algorithm, type, issuer and audience are fixed: a token of another
 * class, of another server, or with `alg: none` is none of ours. Lifetime is document 000's 30 days.
 */
export const TOKEN_SECONDS = 30 * 24 * 3600;
const PREFIX = "leg_";
const ALGORITHM = "EdDSA";
const TYPE = "leger-access+jwt";
const AUDIENCE = "leger-api";

export type TokenContext = { keys: readonly SigningKey[]; issuer: string; now: Date };

export async function mintToken(
  { keys, issuer, now }: TokenContext,
  claims: Omit<TokenClaims, "iat" | "exp"> & { exp?: number },
): Promise<string> {
  const [key] = keys;
  if (!key) throw new Error("TOKEN_SIGNING_KEYS is empty");
  const issuedAt = Math.floor(now.getTime() / 1000);
  const expires = Math.min(claims.exp ?? Infinity, issuedAt + TOKEN_SECONDS);
  const jwt = await new SignJWT({ ...claims })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: TYPE })
    .setIssuer(issuer)
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(expires)
    .sign(await importJWK(key, ALGORITHM));
  return PREFIX + jwt;
}

/** The claims of a token whose signature, class, server and lifetime hold; whether it was revoked is D1's to say. */
export async function verifyToken(
  { keys, issuer, now }: TokenContext,
  token: string,
): Promise<Result<TokenClaims, string>> {
  if (!token.startsWith(PREFIX)) return err("it is no leger token");
  if (!hasCanonicalSignature(token)) return err("its signature does not hold");
  try {
    const { payload } = await jwtVerify(token.slice(PREFIX.length), publicKeys(keys), {
      algorithms: [ALGORITHM],
      typ: TYPE,
      issuer,
      audience: AUDIENCE,
      currentDate: now,
      requiredClaims: ["exp", "iat", "sub", "jti"],
    });
    const claims = TokenClaims.safeParse(payload);
    return claims.success ? ok(claims.data) : err("its claims are incomplete");
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) return err("it has expired");
    if (cause instanceof errors.JOSEError) return err("its signature does not hold");
    throw cause;
  }
}

/** The scheme to send a token with: one that is bound to a key comes with a proof (RFC 9449, 7.1). */
export const schemeOf = (isBound: boolean) => (isBound ? ("DPoP" as const) : ("Bearer" as const));

export const publicJwks = (keys: readonly SigningKey[]) => ({
  keys: keys.map(({ kid, kty, crv, x }) => ({ kid, kty, crv, x, alg: ALGORITHM, use: "sig" })),
});

// importing a key costs more than checking with it, so a key set is made once per list of keys
const keySets = new WeakMap<readonly SigningKey[], ReturnType<typeof createLocalJWKSet>>();
function publicKeys(keys: readonly SigningKey[]) {
  const known = keySets.get(keys) ?? createLocalJWKSet(publicJwks(keys));
  keySets.set(keys, known);
  return known;
}
