import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { configFolder, writePrivately } from "../settings.ts";

/** This device's Ed25519 key as a JWK (RFC 8037). It never leaves this machine: proofs carry `x` only. */
export const DeviceKey = z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), d: z.string() });
export type DeviceKey = z.infer<typeof DeviceKey>;

const keyFile = () => path.join(configFolder(), "device-key.json");

export function readDeviceKey(): DeviceKey | null {
  try {
    return DeviceKey.parse(JSON.parse(readFileSync(keyFile(), "utf8")));
  } catch {
    return null;
  }
}

/** The key that is here, or a new one. Kept before it is used, so that an enrolled key is never lost with a crash. */
export function ensureDeviceKey(): DeviceKey {
  const found = readDeviceKey();
  if (found) return found;
  const key = DeviceKey.parse(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" }));
  writePrivately(keyFile(), `${JSON.stringify(key)}\n`);
  return key;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const digest = (text: string) => createHash("sha256").update(text).digest("base64url");

/** RFC 7638, over the members in their order. */
export const thumbprintOf = ({ crv, kty, x }: DeviceKey) => digest(JSON.stringify({ crv, kty, x }));

/** A DPoP proof (RFC 9449, 4.2) for one request, with the server's nonce once it is known, and the token that it is sent with. */
export function makeProof(
  { kty, crv, x, d }: DeviceKey,
  of: { method: string; url: string; nonce: string | null; token: string | null },
): string {
  const header = encode({ typ: "dpop+jwt", alg: "EdDSA", jwk: { kty, crv, x } });
  const claims = encode({
    jti: randomUUID(),
    htm: of.method,
    htu: of.url,
    iat: Math.floor(Date.now() / 1000),
    ...(of.nonce !== null && { nonce: of.nonce }),
    ...(of.token !== null && { ath: digest(of.token) }),
  });
  const key = createPrivateKey({ key: { kty, crv, x, d }, format: "jwk" });
  return `${header}.${claims}.${sign(null, Buffer.from(`${header}.${claims}`), key).toString("base64url")}`;
}
