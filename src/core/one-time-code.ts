import { sha256Hex } from "#core/digest.ts";
import { hmac } from "#core/hmac.ts";

/** Crockford's base 32: no I, L, O, U, so that a code survives being read aloud. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** How many recovery codes an account holds at most; a new set ends the old one. */
export const RECOVERY_CODES = 10;
/** How long an operator's code waits for the device that it was made for. */
export const ENROLMENT_CODE_SECONDS = 24 * 3600;
/** How long a sign-in waits for its approval, and how long an approval waits for the sign-in. */
export const APPROVAL_SECONDS = 15 * 60;

const CODE_BYTES = 16;
const APPROVAL_BYTES = 8;

/** Sixteen characters from sixteen random bytes (five bits of each): 80 bits, in groups of four. */
export const makeCode = (random: Uint8Array): string => grouped(random.slice(0, CODE_BYTES));
export const randomCode = (): string => makeCode(crypto.getRandomValues(new Uint8Array(CODE_BYTES)));

/** What is stored. A digest without salt is enough: nobody guesses 80 random bits. */
export const hashCode = (code: string): Promise<string> => sha256Hex(`leger-code\n${normalise(code)}`);

/**
 * The code that a waiting sign-in shows and its approver types: 40 bits derived from the request's id, so that it is
 * nowhere stored, and a list of requests does not give it away. Whoever approves has seen the screen that waits.
 */
export async function approvalCode(secret: string, requestId: string): Promise<string> {
  return grouped((await hmac(secret, ["leger-approval", requestId])).slice(0, APPROVAL_BYTES));
}

export const isSameCode = (a: string, b: string): boolean => normalise(a) === normalise(b);

const grouped = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => ALPHABET[byte & 31])
    .join("")
    .replaceAll(/.{4}(?=.)/g, "$&-");

const normalise = (code: string): string =>
  code.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0").replaceAll(/[IL]/g, "1");
