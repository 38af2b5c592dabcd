import { toHex } from "#core/digest.ts";
import { type Json, type JsonObject, canonicalJson, isJsonObject, pointerToken } from "#core/json.ts";

/** Puts a stable name in the place of a value: equal values of one workspace have equal names. */
export type Mask = (text: string) => Promise<string>;

/** 64 bits: enough that two values of a workspace never share a fingerprint by chance. */
const FINGERPRINT_HEX = 16;

/**
 * The mask of a workspace. Fingerprints are HMAC-SHA256 under a key of that workspace, derived from the server's: a plain
 * digest of a port, a PIN or a short password could be found by trying them all, and be compared between workspaces.
 */
export async function workspaceMask(serverKey: string, workspaceId: string): Promise<Mask> {
  const derived = await hmac(await hmacKey(new TextEncoder().encode(serverKey)), `leger-fingerprint\n${workspaceId}`);
  const key = await hmacKey(derived);
  return async (text) => `[masked:${toHex(await hmac(key, text)).slice(0, FINGERPRINT_HEX)}]`;
}

const hmacKey = (bytes: Uint8Array) =>
  crypto.subtle.importKey("raw", bytes as Uint8Array<ArrayBuffer>, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

const hmac = async (key: CryptoKey, text: string) =>
  new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));

export type Range = { start: number; end: number };

/** Masks ranges `[start, end)` of a text, sorted and apart. Line breaks stay, so that lines keep their numbers. */
export async function maskRanges(text: string, ranges: readonly Range[], mask: Mask): Promise<string> {
  const pieces: string[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    pieces.push(text.slice(at, start));
    const lines = text.slice(start, end).split("\n");
    pieces.push((await Promise.all(lines.map(async (line) => (line === "" ? "" : mask(line))))).join("\n"));
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces.join("");
}

/** A copy of `data` in which the values at these JSON Pointers, and all below them, are masked. */
export async function maskValues(data: JsonObject, pointers: readonly string[], mask: Mask): Promise<JsonObject> {
  const hidden = new Set(pointers);
  const masked = async (value: Json, pointer: string): Promise<Json> => {
    if (hidden.has(pointer)) return mask(canonicalJson(value));
    if (Array.isArray(value))
      return Promise.all(value.map((item, index) => masked(item, `${pointer}/${pointerToken(index)}`)));
    if (!isJsonObject(value)) return value;
    const members = Object.entries(value).map(
      async ([key, member]) => [key, await masked(member, `${pointer}/${pointerToken(key)}`)] as const,
    );
    return Object.fromEntries(await Promise.all(members));
  };
  return (await masked(data, "")) as JsonObject;
}
