import { type Result, err, ok } from "#core/result.ts";

/** Standard base64 with padding (RFC 4648, 4), as document 000's records write bytes. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return btoa(binary);
}

/** Strict: no white space, no missing padding, so that one value has one text. */
export function fromBase64(text: string): Result<Uint8Array<ArrayBuffer>, "not_base64"> {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return err("not_base64");
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return toBase64(bytes) === text ? ok(bytes) : err("not_base64");
}

/** Arguments of one call: far below what any engine takes. */
const CHUNK = 8192;
