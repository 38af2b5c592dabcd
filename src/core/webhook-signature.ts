/**
 * Whether `signature` (`sha256=` and 64 hex digits, as GitHub's X-Hub-Signature-256) is the HMAC-SHA256 of exactly these bytes under
 * one of the secrets. WebCrypto compares in constant time, and every secret is tried whatever the first one says.
 */
export async function isSignedBy(
  secrets: readonly string[],
  { body, signature }: { body: Uint8Array<ArrayBuffer>; signature: string },
): Promise<boolean> {
  const digits = /^sha256=([0-9a-f]{64})$/.exec(signature)?.[1];
  if (digits === undefined) return false;
  const mac = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  let isValid = false;
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), ALGORITHM, false, ["verify"]);
    isValid = (await crypto.subtle.verify("HMAC", key, mac, body)) || isValid;
  }
  return isValid;
}

const ALGORITHM = { name: "HMAC", hash: "SHA-256" };
