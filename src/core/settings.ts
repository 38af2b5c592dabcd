import { z } from "zod";
import { fromBase64 } from "#core/base64.ts";
import { KEY_BYTES, type RingKey } from "#core/envelope.ts";
import { PackSlug } from "#core/names.ts";
import { RATE_LIMIT_NAMES } from "#core/rate-limits.ts";
import { Secret } from "#core/secret.ts";

/**
 * One tailnet that may sign in: an API key or an OAuth client (scopes `devices:core:read` and `users:read`), and whether ids
 * alone prove a person there (DESIGN 11).
 */
export const TailnetSettings = z
  .strictObject({
    api_key: z.string().min(1).optional(),
    oauth_client: z.strictObject({ client_id: z.string().min(1), client_secret: z.string().min(1) }).optional(),
    trust_claims: z.boolean().default(false),
  })
  .refine(({ api_key, oauth_client }) => (api_key === undefined) !== (oauth_client === undefined), {
    message: "has either an api_key or an oauth_client",
  });
export type TailnetSettings = z.infer<typeof TailnetSettings>;

/** A private Ed25519 key as JWK. The first of the list signs; all of them verify, so that keys can be rotated. */
export const SigningKey = z.object({
  kid: z.string().min(1),
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string(),
  d: z.string(),
});
export type SigningKey = z.infer<typeof SigningKey>;

/** 32 bytes as base64, kept where nothing prints them. */
const AesKey = z.string().transform((text, context) => {
  const bytes = fromBase64(text);
  if (bytes.ok && bytes.value.byteLength === KEY_BYTES) return new Secret(bytes.value);
  context.addIssue({ code: "custom", message: `is not base64 of ${KEY_BYTES} bytes` });
  return z.NEVER;
});

/** Master keys of secrets. The first wraps data keys, all of them unwrap; an entry may go when a re-wrap has finished. */
const KeyRing = z
  .array(z.strictObject({ kid: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), key: AesKey }))
  .min(1)
  .refine((ring) => new Set(ring.map(({ kid }) => kid)).size === ring.length, "two entries have one kid")
  .transform((ring): readonly RingKey[] => ring);

const json = <T extends z.ZodType>(schema: T) =>
  z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue({ code: "custom", message: "is not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);

/** Variables and secrets of wrangler.toml, parsed once per isolate. A worker that is set up wrongly says so in /ready. */
export const Settings = z.object({
  ENVIRONMENT: z.enum(["local", "preview", "staging", "production"]),
  DOCS_URL: z.url(),
  PUBLIC_URL: z.url(),
  TOKEN_ISSUER: z.url(),
  GITHUB_API_URL: z.url(),
  TAILSCALE_API_URL: z.url(),
  TAILSCALE_ID_TOKEN_ISSUER: z.url(),
  TAILSCALE_ID_TOKEN_JWKS_URL: z.url(),
  PACK_REPOSITORIES: json(z.record(PackSlug, z.string().regex(/^[\w.-]+\/[\w.-]+$/))),
  /** By pack: who may release, and whether only immutable releases count. */
  PACK_RULES: json(
    z.record(
      PackSlug,
      z.strictObject({ publishers: z.array(z.string()).default([]), require_immutable: z.boolean().default(false) }),
    ),
  ).optional(),
  OPERATOR_LOGINS: z.string().transform((text) =>
    text
      .split(",")
      .map((login) => login.trim())
      .filter(Boolean),
  ),
  /** Exact origins whose pages may call the API, as `https://app.example.org`; none by default. */
  CORS_ORIGINS: z
    .string()
    .prefault("")
    .transform((text) =>
      text
        .split(",")
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .pipe(z.array(z.string().refine((origin) => URL.canParse(origin) && new URL(origin).origin === origin))),
  SWEEP_RENDERS_MAX: z.coerce.number().int().min(1).max(200),
  /** Numbers of docs/limits.md by name, where the operator wants others: '{"saves": 1000}'. */
  RATE_LIMITS: json(z.partialRecord(z.enum(RATE_LIMIT_NAMES), z.int().nonnegative())).prefault("{}"),
  GITHUB_TOKEN: z.string().optional(),
  /** How long one answer of GitHub's, with its body, is waited for. */
  GITHUB_TIMEOUT_SECONDS: z.coerce.number().positive().max(30).prefault(10),
  /** In place of a token: an app installed on the repositories. The key is PKCS #8. */
  GITHUB_APP: json(
    z.strictObject({ app_id: z.string().min(1), installation_id: z.string().min(1), private_key: z.string().min(1) }),
  ).optional(),
  /** The webhook's secrets, the current one first; the former one counts while GitHub is being told of the new one. */
  GITHUB_WEBHOOK_SECRETS: json(z.array(z.string().min(16)).min(1).max(2)).optional(),
  TOKEN_SIGNING_KEYS: json(z.array(SigningKey).min(1)),
  LINK_SIGNING_KEY: z.string().min(32),
  SECRET_KEY_RING: json(KeyRing),
  /** The master key of v0.1, where its records are still to be imported. */
  SECRET_MASTER_KEY_V1: AesKey.optional(),
  TAILSCALE_TAILNETS: json(z.record(z.string(), TailnetSettings)),
});
export type Settings = z.infer<typeof Settings>;

/** A worker that was set up wrongly; the message names the variables, never their values. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

export function parseSettings(env: unknown): Settings {
  const parsed = Settings.safeParse(env);
  if (parsed.success) return parsed.data;
  throw new SettingsError([...new Set(parsed.error.issues.map(({ path }) => String(path[0])))].join(", "));
}
