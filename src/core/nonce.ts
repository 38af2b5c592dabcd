import { fromBase64url, toBase64url } from "#core/base64url.ts";
import { hmac, hmacKey, hmacInput } from "#core/hmac.ts";
import { type Result, err, ok } from "#core/result.ts";

/** How long a nonce is good; it bounds how long a used proof must be remembered. */
export const NONCE_SECONDS = 300;
/** A response that was asked with one older than this brings the next, so that no client has to be refused for it. */
const NONCE_RENEW_SECONDS = 150;
/** Isolates' clocks differ a little. */
const AHEAD_SECONDS = 5;

const PURPOSE = "leger-nonce";

/**
 * A nonce that needs no storage: when it was made (seconds, base 36), and a code over that. A client cannot make one ahead
 * of time, which is all that a nonce is for here: it proves that the key was used within the last five minutes.
 */
export async function makeNonce(secret: string, now: Date): Promise<string> {
  const issued = Math.floor(now.getTime() / 1000).toString(36);
  return `${issued}.${toBase64url(await hmac(secret, [PURPOSE, issued]))}`;
}

export type NonceRefusal = "unknown" | "old";

export async function checkNonce(
  secret: string,
  nonce: string,
  now: Date,
): Promise<Result<{ isToBeRenewed: boolean }, NonceRefusal>> {
  const [, issued = "", text = ""] = /^([0-9a-z]{1,10})\.([\w-]{43})$/.exec(nonce) ?? [];
  const code = fromBase64url(text);
  if (!code) return err("unknown");
  if (!(await crypto.subtle.verify("HMAC", await hmacKey(secret), code, hmacInput([PURPOSE, issued]))))
    return err("unknown");
  const age = Math.floor(now.getTime() / 1000) - Number.parseInt(issued, 36);
  if (age < -AHEAD_SECONDS || age > NONCE_SECONDS) return err("old");
  return ok({ isToBeRenewed: age > NONCE_RENEW_SECONDS });
}
