import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { tokenHash } from "#core/proof.ts";
import type { Answer, world } from "./world.ts";

type World = ReturnType<typeof world>;
export type SignedIn = { token: string; token_type: string; user_uuid: string };
type Options = {
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
  /** Claims laid over the proof's; null takes one away. */
  proof?: Record<string, unknown>;
  /** Sent as it is, in place of a new proof. */
  exactProof?: string;
};

/** A device with an Ed25519 key, as a client of RFC 9449: it keeps the newest nonce and proves each request. */
export async function deviceClient(w: World) {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(publicKey);
  const client = {
    jwk,
    privateKey,
    thumbprint: await calculateJwkThumbprint(jwk),
    nonce: "",
    lastProof: "",

    prove: async (of: { method: string; path: string; token?: string | undefined }, changes: Options["proof"] = {}) => {
      const claims = {
        jti: crypto.randomUUID(),
        htm: of.method,
        htu: new URL(of.path.split("?")[0] ?? "", w.deps.settings.PUBLIC_URL).href,
        iat: Math.floor(w.clock.now().getTime() / 1000),
        nonce: client.nonce,
        ...(of.token && { ath: await tokenHash(of.token) }),
        ...changes,
      };
      const kept = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== null && value !== ""));
      return new SignJWT(kept).setProtectedHeader({ typ: "dpop+jwt", alg: "EdDSA", jwk }).sign(privateKey);
    },

    /** One request, and once more where only the nonce was missing. */
    request: async <T = Record<string, unknown>>(
      method: string,
      path: string,
      options: Options = {},
    ): Promise<Answer<T>> => {
      const send = async () => {
        client.lastProof =
          options.exactProof ?? (await client.prove({ method, path, token: options.token }, options.proof));
        const answer = await w.request<T>(method, path, {
          ...(options.body !== undefined && { body: options.body }),
          headers: {
            ...(options.token && { authorization: `DPoP ${options.token}` }),
            ...options.headers,
            dpop: client.lastProof,
          },
        });
        client.nonce = answer.headers.get("dpop-nonce") ?? client.nonce;
        return answer;
      };
      const first = await send();
      const isNonceMissing = first.status === 401 && first.body.error.code === "use_dpop_nonce";
      return isNonceMissing && options.exactProof === undefined && options.proof?.["nonce"] === undefined
        ? send()
        : first;
    },

    signIn: (tailscale: object, more: object = {}, headers: Record<string, string> = {}) =>
      client.request<SignedIn>("POST", "/auth/cli", { body: { tailscale, ...more }, headers }),

    /** Gets a nonce before anything needs it, as an id-token's audience does. */
    warmUp: async () => {
      const answer = await w.request("POST", "/auth/cli", {
        body: { tailscale: NOBODY },
        headers: { dpop: await client.prove({ method: "POST", path: "/auth/cli" }, { nonce: null }) },
      });
      client.nonce = answer.headers.get("dpop-nonce") ?? "";
    },
  };
  return client;
}

const NOBODY = { user_id: "x", login_name: "x", device_id: "x", device_hostname: "x", tailnet: "x" };
