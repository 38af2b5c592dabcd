const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** RFC 4648, 5, without padding. */
export const toBase64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

/** The bytes of a canonical text, null for any other. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | null {
  if (!isCanonicalBase64url(text)) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

/**
 * Whether this is the one text of its bytes. Decoders ignore the last character's spare bits, so that a signature has
 * several texts: a token that was changed there would still be accepted, and be another token to whoever compares.
 */
export function isCanonicalBase64url(text: string): boolean {
  if (!/^[\w-]+$/.test(text)) return false;
  const spare = { 0: 1, 2: 16, 3: 4 }[text.length % 4];
  return spare !== undefined && ALPHABET.indexOf(text.at(-1) ?? "") % spare === 0;
}

/** Whether a compact JWS ends with the one text of its signature. */
export const hasCanonicalSignature = (jws: string): boolean => isCanonicalBase64url(jws.split(".").at(-1) ?? "");
