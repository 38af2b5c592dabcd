import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { CompactSign, type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose";
import { makeNonce } from "#core/nonce.ts";
import { tokenHash } from "#core/proof.ts";
import { SigningKey } from "#core/settings.ts";
import { localClaims } from "../kill/local-claims.ts";
import { ROOT, startLocalWorker } from "../start/local-worker.ts";
import { startUpstreams } from "../upstreams/start-upstreams.ts";
import type { Signer } from "./mutate-jwt.ts";

const PORT = 8797;
const webhookSecrets: [string, string] = [randomBytes(24).toString("hex"), randomBytes(24).toString("hex")];

/** The worker as it is deployed, its secrets, and a laptop with a key and a server without one signed in to it. */
export async function openFuzzWorld(folder: string) {
  const upstreams = await startUpstreams({ fixtures: path.join(ROOT, "templates-fixtures") });
  const vars = {
    GITHUB_API_URL: upstreams.githubUrl,
    TAILSCALE_API_URL: upstreams.tailscaleUrl,
    TAILSCALE_ID_TOKEN_ISSUER: upstreams.idTokenIssuer,
    TAILSCALE_ID_TOKEN_JWKS_URL: upstreams.idTokenJwksUrl,
    OPERATOR_LOGINS: "",
    GITHUB_WEBHOOK_SECRETS: JSON.stringify(webhookSecrets),
  };
  const worker = await startLocalWorker({ folder, port: PORT, vars, progress: () => undefined });
  const secrets = readSecrets(path.join(folder, "secrets.env"));
  const keys = SigningKey.array().parse(JSON.parse(secrets["TOKEN_SIGNING_KEYS"] ?? "[]"));
  const linkKey = secrets["LINK_SIGNING_KEY"] ?? "";
  const issuer = "https://api.leger.run";
  const device = await makeDevice();

  const send = async (
    method: string,
    route: string,
    options: { headers?: Record<string, string>; body?: object } = {},
  ) => {
    const response = await fetch(worker.url + route, {
      method,
      headers: { ...options.headers, ...(options.body && { "content-type": "application/json" }) },
      ...(options.body && { body: JSON.stringify(options.body) }),
      redirect: "manual",
    });
    return { status: response.status, text: await response.text() };
  };
  /** A proof of the laptop's key for a request to the worker; `changes` are laid over its claims. */
  const prove = async (method: string, route: string, changes: Record<string, unknown> = {}) =>
    device.sign(
      { typ: "dpop+jwt", alg: "EdDSA", jwk: device.jwk },
      {
        jti: crypto.randomUUID(),
        htm: method,
        htu: worker.url + route,
        iat: Math.floor(Date.now() / 1000),
        nonce: await makeNonce(linkKey, new Date()),
        ...changes,
      },
    );
  const claims = (hostname: string) => localClaims(upstreams, { tailnet: "example.ts.net", hostname });
  const signIn = async (hostname: string, proof: string | null) => {
    const headers = proof === null ? {} : { dpop: proof };
    const { text } = await send("POST", "/auth/cli", { body: { tailscale: claims(hostname) }, headers });
    return (JSON.parse(text) as { data: { token: string } }).data.token;
  };
  const plainToken = await signIn("alice-server", null);
  const boundToken = await signIn("alice-laptop", await prove("POST", "/auth/cli"));
  return {
    upstreams,
    worker,
    keys,
    linkKey,
    webhookSecrets,
    issuer,
    device,
    stranger: (await makeDevice()).sign,
    plainToken,
    boundToken,
    ath: await tokenHash(boundToken),
    prove,
    send,
    claims,
    close: async () => {
      await worker.stop();
      await upstreams.close();
    },
  };
}
export type FuzzWorld = Awaited<ReturnType<typeof openFuzzWorld>>;

async function makeDevice() {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const jwk = await exportJWK(publicKey);
  return { jwk, thumbprint: await calculateJwkThumbprint(jwk), sign: signerOf(privateKey) };
}

const signerOf =
  (key: CryptoKey): Signer =>
  (header, claims) =>
    new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
      .setProtectedHeader({ ...header, alg: "EdDSA" })
      .sign(key);

const readSecrets = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(file, "utf8")
      .split("\n")
      .map((line) => /^(\w+)='(.*)'$/.exec(line))
      .flatMap((match) => (match?.[1] && match[2] !== undefined ? [[match[1], match[2]]] : [])),
  );
