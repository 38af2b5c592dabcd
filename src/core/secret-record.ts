import { z } from "zod";

/** Document 000's `SecretRecord` as v0.1 wrote it: `encryption_version` 1, directly under one master key. */
export const LegacySecretRecord = z.object({
  secret_id: z.uuid(),
  user_uuid: z.string(),
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
  encrypted_value: z.string().max(20_000),
  nonce: z.string().max(100),
  auth_tag: z.string().max(100),
  encryption_version: z.literal(1),
  version: z.int().positive(),
  created_at: z.iso.datetime({ offset: true }),
  updated_at: z.iso.datetime({ offset: true }),
  metadata: z.object({
    last_rotated_at: z.iso.datetime({ offset: true }).nullable(),
    rotation_count: z.int().nonnegative(),
  }),
});
export type LegacySecretRecord = z.infer<typeof LegacySecretRecord>;
