const encoder = new TextEncoder();

// importing a key costs more than using it; there are as many as the settings have secrets
const keys = new Map<string, Promise<CryptoKey>>();

export function hmacKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key =
    keys.get(secret) ?? crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["sign", "verify"]);
  keys.set(secret, key);
  return key;
}

/** What a code is over. The first part names its purpose: one secret serves several, and a code of one is none of another. */
export const hmacInput = (parts: readonly string[]) => encoder.encode(parts.join("\n"));

/** HMAC-SHA256 of `parts`. */
export async function hmac(secret: string, parts: readonly string[]): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey(secret), hmacInput(parts)));
}
