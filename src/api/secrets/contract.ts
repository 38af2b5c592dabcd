import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CreateHeaders, NameParams, NamespaceQuery, VersionParam } from "#api/parameters.ts";
import { LIMITS } from "#core/limits.ts";
import { SecretGenerator } from "#core/secret-generator.ts";

// Any text: a name that is none is answered with its own code, which the existing client knows.
const SecretName = z.string().openapi({ example: "openai_api_key", pattern: "^[a-zA-Z0-9_-]{1,64}$" });
const SecretParams = z.object({ name: SecretName });
const Encoding = z.enum(["utf8", "base64"]).openapi({
  description: "utf8 (default) or base64, since JSON strings cannot carry all bytes.",
});

const SetSecret = z
  .strictObject({
    name: SecretName,
    value: z.string().openapi({
      description: `1 to ${LIMITS.secret_value_bytes_max.value} bytes, kept exactly, trailing newlines too.`,
    }),
    encoding: Encoding.default("utf8"),
  })
  .openapi("SetSecret");

const GenerateSecret = z
  .strictObject({
    name: SecretName,
    generate: SecretGenerator.optional().openapi({
      description: "Default: what the schema of a configuration that needs it says, else 32 random bytes as hex.",
    }),
    replace: z.boolean().default(false).openapi({ description: "Also where the name has a value already." }),
    show: z.boolean().default(false).openapi({ description: "Answer the value, this once." }),
  })
  .openapi("GenerateSecret");

const SecretFacts = z.object({
  name: z.string(),
  version: z.int(),
  size_bytes: z.int(),
  created_at: z.string(),
  updated_at: z.string(),
  last_rotated_at: z.string().nullable(),
  rotation_count: z.int(),
  last_accessed: z.string().nullable(),
  rotation_days: z.int().nullable().openapi({ description: "The schema's x-confman-rotation-days." }),
  rotate_by: z.string().nullable(),
  is_stale: z.boolean(),
});
const ListedSecret = SecretFacts.openapi("ListedSecret");

const DescribedSecret = SecretFacts.extend({
  secret_id: z.uuid(),
  access_count: z.int(),
  deleted_at: z.string().nullable(),
  restorable_until: z.string().nullable(),
  purged_at: z.string().nullable(),
  versions: z.array(
    z.object({
      version: z.int(),
      size_bytes: z.int(),
      created_at: z.string(),
      created_by: z.string(),
      is_kept: z.boolean().openapi({ description: "Whether its value can still be read." }),
    }),
  ),
  required_by: z.array(
    z.object({
      config_id: z.uuid(),
      name: z.string(),
      namespace: z.string(),
      version: z.int(),
      decision: z.string().nullable().openapi({ description: "The decision that names it, by JSON Pointer." }),
      is_required: z.boolean(),
      rotation_days: z.int().nullable(),
    }),
  ),
}).openapi("DescribedSecret");

const StoredSecret = z
  .object({ name: z.string(), version: z.int(), updated_at: z.string(), message: z.string() })
  .openapi("StoredSecret");

const GeneratedSecret = StoredSecret.extend({
  value: z.string().nullable().openapi({ description: "Null unless asked for, and in a replay." }),
  is_replay: z.boolean(),
}).openapi("GeneratedSecret");

const SecretValue = z
  .object({
    name: z.string(),
    value: z.string(),
    version: z.int(),
    encoding: z.enum(["utf8", "base64"]),
    size_bytes: z.int(),
  })
  .openapi("SecretValue");

const DeletedSecret = z
  .object({
    name: z.string(),
    deleted_at: z.string(),
    restorable_until: z.string().nullable(),
    purged_at: z.string().nullable(),
  })
  .openapi("DeletedSecret");

const NeededSecret = z.object({
  name: z.string(),
  decision: z.string().nullable(),
  is_required: z.boolean(),
  can_generate: z.boolean().openapi({ description: "POST /secrets/generate makes it as the schema says." }),
  version: z.int().nullable(),
  rotate_by: z.string().nullable(),
});
const NeededSecrets = z
  .object({
    version: z.int().nullable().openapi({ description: "The render that this is about; null while there is none." }),
    missing: z.array(NeededSecret),
    stale: z.array(NeededSecret),
    present: z.array(NeededSecret),
  })
  .openapi("NeededSecrets");

const tags = ["secrets"];
const unauthorised = ["insufficient_permissions", "request_invalid"] as const;
const named = ["invalid_secret_name", "secret_not_found"] as const;
const writes = [
  "invalid_secret_name",
  "too_many_secrets",
  "idempotency_key_reused",
  "write_contended",
  "secret_unreadable",
  "body_not_json",
  "body_too_large",
  "body_too_complex",
  "media_type_unsupported",
] as const;

export const listSecretsRoute = createRoute({
  operationId: "listSecrets",
  ...needs("secrets:list"),
  summary: "List secrets by name, with facts and without values",
  tags,
  method: "get",
  path: "/secrets/list",
  responses: {
    200: answers(z.object({ secrets: z.array(ListedSecret), total_count: z.int() }), "All of them"),
    ...refuses(...unauthorised),
  },
});

export const setSecretRoute = createRoute({
  operationId: "setSecret",
  ...needs("secrets:write"),
  summary: "Store a secret, or its next version",
  tags,
  method: "post",
  path: "/secrets/set",
  request: { headers: CreateHeaders, body: takes(SetSecret, "Name and value") },
  responses: {
    200: answers(StoredSecret, "A new version of it"),
    201: answers(StoredSecret, "A new secret"),
    ...refuses(...unauthorised, ...writes, "secret_value_empty", "secret_value_too_large", "secret_value_not_base64"),
  },
});

export const generateSecretRoute = createRoute({
  operationId: "generateSecret",
  ...needs("secrets:write"),
  summary: "Make a secret here and store it, without anybody seeing it",
  tags,
  method: "post",
  path: "/secrets/generate",
  request: { headers: CreateHeaders, body: takes(GenerateSecret, "Name, and how to make it") },
  responses: {
    200: answers(GeneratedSecret, "A new version of it"),
    201: answers(GeneratedSecret, "A new secret"),
    ...refuses(...unauthorised, ...writes, "secret_exists"),
  },
});

export const readSecretRoute = createRoute({
  operationId: "readSecret",
  ...needs("secrets:read"),
  summary: "Read a secret's value; every read is audited",
  tags,
  method: "get",
  path: "/secrets/get/{name}",
  request: {
    params: SecretParams,
    query: z.object({ encoding: Encoding.optional(), version: VersionParam.optional() }),
  },
  responses: {
    200: answers(SecretValue, "The value: the only answer that has one"),
    ...refuses(...unauthorised, ...named, "secret_version_not_found", "secret_is_binary", "secret_unreadable"),
  },
});

export const describeSecretRoute = createRoute({
  operationId: "describeSecret",
  ...needs("secrets:list"),
  summary: "Everything about a secret but its value: versions, access, what requires it, staleness",
  tags,
  method: "get",
  path: "/secrets/{name}",
  request: { params: SecretParams },
  responses: { 200: answers(DescribedSecret, "Its facts"), ...refuses(...unauthorised, ...named) },
});

export const deleteSecretRoute = createRoute({
  operationId: "deleteSecret",
  ...needs("secrets:write"),
  summary: "Delete a secret; it can be restored for 30 days",
  tags,
  method: "delete",
  path: "/secrets/{name}",
  request: { params: SecretParams },
  responses: { 200: answers(DeletedSecret, "Deleted"), ...refuses(...unauthorised, ...named) },
});

export const undeleteSecretRoute = createRoute({
  operationId: "undeleteSecret",
  ...needs("secrets:write"),
  summary: "Give a deleted secret its newest value back",
  tags,
  method: "post",
  path: "/secrets/{name}/undelete",
  request: { params: SecretParams },
  responses: {
    200: answers(StoredSecret, "Restored"),
    ...refuses(...unauthorised, ...named, "secret_not_deleted", "secret_not_restorable"),
  },
});

export const purgeSecretRoute = createRoute({
  operationId: "purgeSecret",
  ...needs("secrets:write"),
  summary: "Erase every value of a deleted secret, for good",
  tags,
  method: "post",
  path: "/secrets/{name}/purge",
  request: { params: SecretParams },
  responses: { 200: answers(DeletedSecret, "Erased"), ...refuses(...unauthorised, ...named, "secret_not_deleted") },
});

export const listNeededRoute = createRoute({
  operationId: "listNeededSecrets",
  ...needs("secrets:list"),
  summary: "What a configuration's newest render needs: missing, stale, present",
  tags,
  method: "get",
  path: "/configurations/{name}/secrets",
  request: { params: NameParams, query: NamespaceQuery },
  responses: {
    200: answers(NeededSecrets, "By what is to be done"),
    ...refuses(...unauthorised, "configuration_not_found"),
  },
});
