import { createHmac, createPublicKey } from "node:crypto";
import type { Random } from "../engine/random.ts";
import { mutateText } from "./mutate-text.ts";

type Json = Record<string, unknown>;
export type Signer = (header: Json, claims: Json) => Promise<string>;

/** The order of Ed25519's group, little-endian: S and S + L are the same number to a careless verifier. */
const ORDER = Buffer.from("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010", "hex");

const encode = (value: Json) => Buffer.from(JSON.stringify(value)).toString("base64url");
export const decode = (segment: string): Json => JSON.parse(Buffer.from(segment, "base64url").toString()) as Json;

/**
 * A JWT that must not be accepted, made from a good one: its text changed, its header or claims changed under the old
 * signature, the signature made by another key or another algorithm, or moved.
 */
export async function mutateJwt(
  jwt: string,
  random: Random,
  { stranger, publicJwk }: { stranger: Signer; publicJwk: Json },
): Promise<string> {
  const [head = "", body = "", signature = ""] = jwt.split(".");
  const [header, claims] = [decode(head), decode(body)];
  const kept = (newHeader: Json, newClaims: Json) => `${encode(newHeader)}.${encode(newClaims)}.${signature}`;
  const kinds: (() => string | Promise<string>)[] = [
    () => mutateText(jwt, random),
    () => kept({ ...header, alg: random.pick(["none", "HS256", "ES256", "RS256", "Ed25519", ""]) }, claims),
    () => `${encode({ ...header, alg: "none" })}.${body}.`,
    () => kept({ ...header, typ: random.pick(["JWT", "at+jwt", "dpop+jwt", "leger-audit-seal", ""]) }, claims),
    () => kept({ ...header, kid: random.pick(["", "x", "../../etc/passwd", "' OR 1=1 --"]) }, claims),
    () => kept({ ...header, crit: ["exp"], b64: false }, claims),
    () => kept(header, changeClaim(claims, random)),
    () => macWithPublicKey({ ...header, alg: "HS256" }, claims, publicJwk),
    () => stranger(header, claims),
    () => stranger(header, changeClaim(claims, random)),
    () => `${head}.${body}.${addOrder(signature)}`,
    () => `${head}.${body}.${Buffer.alloc(64).toString("base64url")}`,
  ];
  for (;;) {
    const mutated = (await kinds[random.below(kinds.length)]?.()) ?? "";
    if (mutated !== jwt) return mutated;
  }
}

function changeClaim(claims: Json, random: Random): Json {
  const names = Object.keys(claims);
  const name = names[random.below(names.length)] ?? "sub";
  const value = random.pick<unknown>([
    null,
    "",
    0,
    -1,
    1e12,
    true,
    [],
    {},
    "00000000-0000-4000-8000-000000000000",
    ["*"],
  ]);
  return random.chance(0.2)
    ? Object.fromEntries(Object.entries(claims).filter(([one]) => one !== name))
    : { ...claims, [name]: value };
}

/** The classic confusion: the public key's text as an HMAC secret. */
function macWithPublicKey(header: Json, claims: Json, publicJwk: Json): string {
  const input = `${encode(header)}.${encode(claims)}`;
  const pem = createPublicKey({ key: publicJwk, format: "jwk" }).export({ type: "spki", format: "pem" });
  return `${input}.${createHmac("sha256", pem).update(input).digest("base64url")}`;
}

function addOrder(signature: string): string {
  const bytes = Buffer.from(signature, "base64url");
  if (bytes.length !== 64) return "";
  let carry = 0;
  for (let index = 0; index < 32; index++) {
    const sum = (bytes[32 + index] ?? 0) + (ORDER[index] ?? 0) + carry;
    bytes[32 + index] = sum & 255;
    carry = sum >> 8;
  }
  return bytes.toString("base64url");
}
