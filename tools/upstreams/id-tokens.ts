import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import type { Device, Tailnet } from "./tailnet.ts";

/** Tailscale's id-tokens live five minutes. */
const LIFE_SECONDS = 300;

export type IdTokenRequest = {
  readonly tailnet: Tailnet;
  readonly device: Device;
  readonly audience: string;
  /** Claims laid over the real ones; null takes one away. For tests of what must be refused. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
};

/**
 * The issuer that tailscaled asks when a program on the node wants an id-token for an audience (`id-token` of its local
 * API): RS256, with the node's key, name and owner as claims. The key pair is made when it is first needed.
 */
export class IdTokenIssuer {
  private readonly issuer: string;
  private readonly now: () => Date;
  private readonly keyId = randomUUID();
  private privateKey: KeyObject | undefined;

  constructor(issuer: string, now: () => Date) {
    this.issuer = issuer;
    this.now = now;
  }

  private key(): KeyObject {
    this.privateKey ??= createPrivateKey(
      generateKeyPairSync("rsa", {
        modulusLength: 2048,
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
        publicKeyEncoding: { type: "spki", format: "pem" },
      }).privateKey,
    );
    return this.privateKey;
  }

  keySet(): { keys: object[] } {
    const { kty, n, e } = this.key().export({ format: "jwk" });
    return { keys: [{ kty, n, e, kid: this.keyId, alg: "RS256", use: "sig" }] };
  }

  mint({ tailnet, device, audience, claims = {} }: IdTokenRequest): string {
    const now = Math.floor(this.now().getTime() / 1000);
    const payload = {
      iss: this.issuer,
      sub: `${device.name}.`,
      aud: audience,
      iat: now,
      nbf: now,
      exp: now + LIFE_SECONDS,
      jti: randomUUID(),
      key: device.nodeKey,
      nid: device.id,
      node: `${device.name}.`,
      domain: tailnet.name,
      user: `${tailnet.name}:${device.user}`,
      uid: tailnet.users.find(({ loginName }) => loginName === device.user)?.id,
      tags: device.tags ?? [],
      addresses: device.addresses,
      ...claims,
    };
    const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== null));
    const input = [{ alg: "RS256", kid: this.keyId, typ: "JWT" }, kept]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    return `${input}.${sign("sha256", Buffer.from(input), this.key()).toString("base64url")}`;
  }
}
