import { makeSeal, openSeal } from "#core/audit-seal.ts";
import { makeGeneratorToken, parseGeneratorToken } from "#core/generator.ts";
import { enrolmentAudience, verifyIdToken } from "#core/id-token.ts";
import { checkLink, signLink } from "#core/link.ts";
import { checkNonce, makeNonce } from "#core/nonce.ts";
import { tokenHash, verifyProof } from "#core/proof.ts";
import { verifyToken } from "#core/token.ts";
import type { Random } from "../engine/random.ts";
import type { FuzzWorld } from "./fuzz-world.ts";
import { mutateJwt } from "./mutate-jwt.ts";
import { mutateText } from "./mutate-text.ts";
import { webhookDelivery } from "./webhook-delivery.ts";

/**
 * Something that opens a door by a signature or a secret. A new one joins by a member of `authSurfaces`. `genuine` must be
 * accepted, in the process and by the worker, or the fuzzer would be looking at a closed door.
 */
export type Surface = {
  name: string;
  genuine(): Promise<string>;
  /** Never one that should be accepted. */
  mutate(genuine: string, random: Random): Promise<string> | string;
  /** The verification itself, in this process. */
  accepts(text: string): Promise<boolean>;
  /** One request to the worker; absent where the worker takes no such text from outside. */
  send?(text: string): Promise<number>;
  isAccepted?(status: number): boolean;
};

const isServed = (status: number) => status < 400;
const LINK = { workspaceId: "00000000-0000-4000-8000-000000000000", version: 7, file: "web.container" };
const WHOAMI = "/auth/whoami";
const publicJwkOf = ({ keys: [key] }: FuzzWorld) => ({ kty: key?.kty, crv: key?.crv, x: key?.x });

export function authSurfaces(world: FuzzWorld): Surface[] {
  return [
    accessToken(world),
    boundToken(world),
    proof(world),
    proofClaims(world),
    nonce(world),
    idToken(world),
    link(world),
    generatorToken(world),
    seal(world),
    webhookDelivery(world),
  ];
}

const verifies = async ({ keys, issuer }: FuzzWorld, token: string) =>
  (await verifyToken({ keys, issuer, now: new Date() }, token)).ok;

/** `leg_` stays in front for most: without it nothing is looked at. */
const mutateToken = async (world: FuzzWorld, token: string, random: Random) =>
  random.chance(0.1)
    ? mutateText(token, random)
    : `leg_${await mutateJwt(token.slice(4), random, { stranger: world.stranger, publicJwk: publicJwkOf(world) })}`;

const accessToken = (world: FuzzWorld): Surface => ({
  name: "access token",
  genuine: async () => world.plainToken,
  mutate: (token, random) => mutateToken(world, token, random),
  accepts: (token) => verifies(world, token),
  send: async (token) => (await world.send("GET", WHOAMI, { headers: { authorization: `Bearer ${token}` } })).status,
});

const boundToken = (world: FuzzWorld): Surface => ({
  name: "bound token, with a proof that fits it",
  genuine: async () => world.boundToken,
  mutate: (token, random) => mutateToken(world, token, random),
  accepts: (token) => verifies(world, token),
  send: async (token) => {
    const dpop = await world.prove("GET", WHOAMI, { ath: await tokenHash(token) });
    return (await world.send("GET", WHOAMI, { headers: { authorization: `DPoP ${token}`, dpop } })).status;
  },
});

const provesWhoAmI = async (world: FuzzWorld, text: string) =>
  (
    await verifyProof(text, {
      method: "GET",
      url: world.worker.url + WHOAMI,
      bound: { token: world.boundToken, thumbprint: world.device.thumbprint },
      nonceSecret: world.linkKey,
      now: new Date(),
    })
  ).ok;
const sendProof = async (world: FuzzWorld, dpop: string) =>
  (await world.send("GET", WHOAMI, { headers: { authorization: `DPoP ${world.boundToken}`, dpop } })).status;

const proof = (world: FuzzWorld): Surface => ({
  name: "proof",
  genuine: () => world.prove("GET", WHOAMI, { ath: world.ath }),
  mutate: (text, random) =>
    mutateJwt(text, random, { stranger: world.stranger, publicJwk: world.device.jwk as Record<string, unknown> }),
  accepts: (text) => provesWhoAmI(world, text),
  send: (text) => sendProof(world, text),
});

/** Signed with the right key, about something else. */
const proofClaims = (world: FuzzWorld): Surface => ({
  name: "proof of another request",
  genuine: () => world.prove("GET", WHOAMI, { ath: world.ath }),
  mutate: (text, random) => {
    const now = Math.floor(Date.now() / 1000);
    const far = 400 + random.below(1e6);
    const changes: Record<string, unknown>[] = [
      { htm: random.pick(["POST", "get", "", "HEAD", "GET "]) },
      {
        htu: world.worker.url + random.pick(["/auth/sessions", "/auth/whoami/", "/AUTH/WHOAMI", "/", "//auth/whoami"]),
      },
      { htu: random.pick(["", "x", WHOAMI, `https://api.leger.run${WHOAMI}`, `http://127.0.0.1${WHOAMI}`]) },
      { ath: mutateText(world.ath, random) },
      { ath: undefined },
      { iat: random.chance(0.5) ? now + far : now - far },
      { iat: random.pick([null, "now", Number.NaN, Infinity, -1, 0]) },
      { jti: random.pick([null, "", "short", 12_345_678, "x".repeat(129)]) },
      { nonce: random.pick([null, "", "0.x", undefined]) },
    ];
    return world.prove("GET", WHOAMI, { ath: world.ath, ...changes[random.below(changes.length)] });
  },
  accepts: (text) => provesWhoAmI(world, text),
  send: (text) => sendProof(world, text),
});

const nonce = (world: FuzzWorld): Surface => ({
  name: "nonce",
  genuine: () => makeNonce(world.linkKey, new Date()),
  mutate: async (text, random) =>
    random.chance(0.2)
      ? makeNonce(
          random.chance(0.5) ? world.linkKey : "another secret",
          new Date(Date.now() - 400_000 - random.below(1e9)),
        )
      : mutateText(text, random),
  accepts: async (text) => (await checkNonce(world.linkKey, text, new Date())).ok,
  send: async (text) => sendProof(world, await world.prove("GET", WHOAMI, { ath: world.ath, nonce: text })),
});

/** For the laptop's key and a nonce that both stay the same while the fuzzer runs. */
function idToken(world: FuzzWorld): Surface {
  const { issuer: server, device, upstreams } = world;
  const tailnet = upstreams.control.tailnets().find(({ name }) => name === "example.ts.net");
  const laptop = tailnet?.devices.find(({ hostname }) => hostname === "alice-laptop");
  if (!tailnet || !laptop) throw new Error("the local tailnet has no alice-laptop");
  const audience = enrolmentAudience({ server, nonce: "fuzz", thumbprint: device.thumbprint });
  const keySet = fetch(upstreams.idTokenJwksUrl).then(
    async (response) => (await response.json()) as { keys: { kty: string }[] },
  );
  return {
    name: "id-token",
    genuine: async () =>
      upstreams.control.mintIdToken({ tailnet: tailnet.name, nodeId: laptop.nodeId, audience }).token,
    mutate: async (token, random) => {
      const { keys } = await keySet;
      return mutateJwt(token, random, { stranger: world.stranger, publicJwk: keys[0] ?? {} });
    },
    accepts: async (token) => {
      const context = { issuer: upstreams.idTokenIssuer, keySet: await keySet, now: new Date() };
      return (await verifyIdToken(token, context, { audience, nodeKey: laptop.nodeKey, login: laptop.user })).ok;
    },
    // the nonce of the audience is not that of the proof, so that here even the good one is refused: no 5xx is what counts
    send: async (id_token) => {
      const dpop = await world.prove("POST", "/auth/cli");
      const body = { tailscale: world.claims("alice-laptop"), id_token };
      return (await world.send("POST", "/auth/cli", { body, headers: { dpop } })).status;
    },
  };
}

const link = (world: FuzzWorld): Surface => {
  const sign = async (expires: number) => `${expires}.${await signLink(world.linkKey, LINK, expires)}`;
  const later = () => Math.floor(Date.now() / 1000) + 500;
  const parse = (text: string) => {
    const [expires = "", ...signature] = text.split(".");
    return { expires, signature: signature.join(".") };
  };
  return {
    name: "link",
    genuine: () => sign(later()),
    mutate: async (text, random) => {
      if (random.chance(0.1)) return sign(Math.floor(Date.now() / 1000) - 1 - random.below(1e6));
      if (random.chance(0.1)) return `${Number(parse(text).expires) + 1 + random.below(1e6)}.${parse(text).signature}`;
      return mutateText(text, random);
    },
    accepts: async (text) => {
      const { expires, signature } = parse(text);
      if (!/^\d{1,16}$/.test(expires)) return false;
      return (await checkLink(world.linkKey, { ...LINK, expires: Number(expires), signature }, new Date())).ok;
    },
    send: async (text) => {
      const { expires, signature } = parse(text);
      const query = new URLSearchParams({ expires, signature }).toString();
      return (await world.send("GET", `/links/${LINK.workspaceId}/${LINK.version}/${LINK.file}?${query}`)).status;
    },
    // a link that holds, to a file that is not there
    isAccepted: (status) => status < 400 || status === 404,
  };
};

const generatorToken = (world: FuzzWorld): Surface => {
  const made = makeGeneratorToken(
    { workspaceId: LINK.workspaceId, generatorId: crypto.randomUUID() },
    crypto.getRandomValues(new Uint8Array(32)),
  );
  return {
    name: "generator's token",
    genuine: async () => (await made).token,
    mutate: (token, random) =>
      random.chance(0.2) ? mutateText(token, random) : `lgr_${mutateText(token.slice(4), random)}`,
    accepts: async (token) => (await parseGeneratorToken(token))?.hash === (await made).hash,
    send: async (token) =>
      (await world.send("GET", "/configurations", { headers: { authorization: `Bearer ${token}` } })).status,
  };
};

const seal = (world: FuzzWorld): Surface => ({
  name: "seal of the audit log",
  genuine: async () => {
    const rows = [{ seq: 1, entry_digest: "0".repeat(64) }];
    const of = { workspaceId: LINK.workspaceId, rows, previous: "0".repeat(64), now: new Date().toISOString() };
    return (await makeSeal(world.keys, of)).signature;
  },
  mutate: (text, random) => mutateJwt(text, random, { stranger: world.stranger, publicJwk: publicJwkOf(world) }),
  accepts: async (text) => (await openSeal(world.keys, text)) !== null,
});

export const isAcceptedBy = (surface: Surface, status: number): boolean =>
  surface.isAccepted?.(status) ?? isServed(status);
