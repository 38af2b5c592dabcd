import { fromBase64, toBase64 } from "#core/base64.ts";
import { toHex } from "#core/digest.ts";
import { type Result, err, ok } from "#core/result.ts";
import { Secret } from "#core/secret.ts";

/**
 * Envelope encryption of secrets, by WebCrypto only. A value is sealed by AES-256-GCM under its workspace's data key; data
 * keys are wrapped by an entry of the operator's key ring. The additional data names what the bytes are for, so a
 * ciphertext that is moved to another name, workspace, version or key does not decrypt, and neither does an older one that
 * is put back. Nonces are 96 random bits and come from outside, like all randomness.
 */
export const NONCE_BYTES = 12;
export const KEY_BYTES = 32;
const TAG_BYTES = 16;

/** What v0.2 writes. 1 was v0.1: directly under a master key, without additional data (document 000). */
export const ENCRYPTION_VERSION = 2;

/** One master key of the ring. The first of the list wraps; all of them unwrap, so that it can be rotated. */
export type RingKey = { readonly kid: string; readonly key: Secret };

export type KeyPurpose = "encrypt" | "fingerprint";

/** A data key as stored: base64 of ciphertext and tag, and the ring entry that wrapped it. */
export type WrappedKey = { kid: string; wrapped_key: string; nonce: string };

/** Whose key it is: bound into the wrapping. */
export type KeyAddress = { workspaceId: string; keyId: string; purpose: KeyPurpose };

/** A sealed value in the three parts of document 000's record, each base64. */
export type SealedValue = { encrypted_value: string; nonce: string; auth_tag: string };

/** What a value is bound to. */
export type ValueAddress = { workspaceId: string; name: string; version: number; dataKeyId: string };

export type OpenRefusal = "unknown_kid" | "malformed" | "not_authentic";

const utf8 = { encode: (text: string) => new Uint8Array(new TextEncoder().encode(text)) };
const valueContext = ({ workspaceId, name, version, dataKeyId }: ValueAddress) =>
  utf8.encode(JSON.stringify(["leger-secret", ENCRYPTION_VERSION, workspaceId, name, version, dataKeyId]));
const keyContext = (kid: string, { workspaceId, keyId, purpose }: KeyAddress) =>
  utf8.encode(JSON.stringify(["leger-data-key", 1, kid, workspaceId, keyId, purpose]));

const aesKey = (key: Secret, usage: "encrypt" | "decrypt") =>
  crypto.subtle.importKey("raw", key.reveal(), "AES-GCM", false, [usage]);

export async function wrapKey(
  ringKey: RingKey,
  { key, nonce, address }: { key: Secret; nonce: Uint8Array<ArrayBuffer>; address: KeyAddress },
): Promise<WrappedKey> {
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: keyContext(ringKey.kid, address) };
  const sealed = await crypto.subtle.encrypt(algorithm, await aesKey(ringKey.key, "encrypt"), key.reveal());
  return { kid: ringKey.kid, wrapped_key: toBase64(new Uint8Array(sealed)), nonce: toBase64(nonce) };
}

export async function unwrapKey(
  ring: readonly RingKey[],
  wrapped: WrappedKey,
  address: KeyAddress,
): Promise<Result<Secret, OpenRefusal>> {
  const ringKey = ring.find(({ kid }) => kid === wrapped.kid);
  if (!ringKey) return err("unknown_kid");
  const bytes = fromBase64(wrapped.wrapped_key);
  const nonce = fromBase64(wrapped.nonce);
  if (!bytes.ok || !nonce.ok || nonce.value.byteLength !== NONCE_BYTES) return err("malformed");
  return decrypt(ringKey.key, {
    nonce: nonce.value,
    sealed: bytes.value,
    additionalData: keyContext(wrapped.kid, address),
  });
}

export async function sealValue(
  dataKey: Secret,
  { value, nonce, address }: { value: Secret; nonce: Uint8Array<ArrayBuffer>; address: ValueAddress },
): Promise<SealedValue> {
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: valueContext(address) };
  const bytes = new Uint8Array(
    await crypto.subtle.encrypt(algorithm, await aesKey(dataKey, "encrypt"), value.reveal()),
  );
  return {
    encrypted_value: toBase64(bytes.subarray(0, -TAG_BYTES)),
    nonce: toBase64(nonce),
    auth_tag: toBase64(bytes.subarray(-TAG_BYTES)),
  };
}

export function openValue(
  dataKey: Secret,
  sealed: SealedValue,
  address: ValueAddress,
): Promise<Result<Secret, OpenRefusal>> {
  return openParts(dataKey, sealed, valueContext(address));
}

/** A record of v0.1: `encryption_version` 1, directly under the master key of that time. */
export const openLegacyValue = (masterKey: Secret, sealed: SealedValue): Promise<Result<Secret, OpenRefusal>> =>
  openParts(masterKey, sealed, null);

async function openParts(
  key: Secret,
  sealed: SealedValue,
  additionalData: Uint8Array<ArrayBuffer> | null,
): Promise<Result<Secret, OpenRefusal>> {
  const value = fromBase64(sealed.encrypted_value);
  const nonce = fromBase64(sealed.nonce);
  const tag = fromBase64(sealed.auth_tag);
  if (!value.ok || !nonce.ok || !tag.ok) return err("malformed");
  if (nonce.value.byteLength !== NONCE_BYTES || tag.value.byteLength !== TAG_BYTES) return err("malformed");
  const bytes = new Uint8Array(value.value.byteLength + TAG_BYTES);
  bytes.set(value.value);
  bytes.set(tag.value, value.value.byteLength);
  return decrypt(key, { nonce: nonce.value, sealed: bytes, additionalData });
}

type Ciphertext = {
  nonce: Uint8Array<ArrayBuffer>;
  sealed: Uint8Array<ArrayBuffer>;
  additionalData: Uint8Array<ArrayBuffer> | null;
};

async function decrypt(
  key: Secret,
  { nonce, sealed, additionalData }: Ciphertext,
): Promise<Result<Secret, OpenRefusal>> {
  if (sealed.byteLength < TAG_BYTES) return err("malformed");
  const algorithm = { name: "AES-GCM", iv: nonce, ...(additionalData && { additionalData }) };
  try {
    const bytes = await crypto.subtle.decrypt(algorithm, await aesKey(key, "decrypt"), sealed);
    return ok(new Secret(new Uint8Array(bytes)));
  } catch {
    return err("not_authentic"); // WebCrypto says no more, on purpose
  }
}

/** HMAC-SHA256 under a workspace's fingerprint key, as hex: equal bodies can be told, and none can be guessed. */
export async function fingerprint(key: Secret, text: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmacKey = await crypto.subtle.importKey("raw", key.reveal(), algorithm, false, ["sign"]);
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", hmacKey, utf8.encode(text))));
}
