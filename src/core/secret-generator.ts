import { z } from "zod";
import { toHex } from "#core/digest.ts";
import { Secret } from "#core/secret.ts";

/** What a schema's `x-generate` says: how Leger may make the secret where there is none. */
export const SecretGenerator = z
  .strictObject({
    kind: z.enum(["hex", "alphanumeric"]).default("hex"),
    bytes: z.int().min(16).max(1024).default(32),
    prefix: z
      .string()
      .regex(/^[A-Za-z0-9_-]{0,32}$/)
      .default(""),
  })
  .meta({ id: "SecretGenerator" });
export type SecretGenerator = z.infer<typeof SecretGenerator>;

export const GENERATOR_DEFAULT: SecretGenerator = { kind: "hex", bytes: 32, prefix: "" };

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A fresh value of `bytes` random bytes or characters; `random` is the runtime's source. */
export function generateSecret(
  { kind, bytes, prefix }: SecretGenerator,
  random: (bytes: number) => Uint8Array,
): Secret {
  if (kind === "hex") return Secret.ofText(prefix + toHex(random(bytes)));
  let text = "";
  // bytes beyond the last whole multiple of the alphabet are thrown away, so that each character is equally likely
  const even = 256 - (256 % ALPHABET.length);
  while (text.length < bytes)
    for (const byte of random(bytes)) if (byte < even && text.length < bytes) text += ALPHABET[byte % ALPHABET.length];
  return Secret.ofText(prefix + text);
}

/** The generator that a schema node declares, or null where it declares none or none that we know. */
export function generatorOf(node: unknown): SecretGenerator | null {
  const parsed = SecretGenerator.safeParse(node);
  return parsed.success ? parsed.data : null;
}
