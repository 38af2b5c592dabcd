import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CreateHeaders } from "#api/parameters.ts";
import { GENERATOR_DAYS_DEFAULT, GENERATOR_DAYS_MAX, GeneratorName } from "#core/generator.ts";
import { Namespace } from "#core/names.ts";
import { PERMISSION_NAMES, mayBeGenerators } from "#core/permissions.ts";

const Scope = z.enum(PERMISSION_NAMES.filter(mayBeGenerators));

const CreateGenerator = z
  .strictObject({
    name: GeneratorName,
    description: z.string().max(200).optional(),
    scopes: z.array(Scope).min(1).max(20),
    namespaces: z
      .array(Namespace)
      .min(1)
      .max(20)
      .default(["/"])
      .openapi({ description: "Path prefixes that it may see and write; / is all." }),
    expires_in_days: z.int().min(1).max(GENERATOR_DAYS_MAX).default(GENERATOR_DAYS_DEFAULT),
    requests_per_hour: z.int().min(1).max(10_000).optional().openapi({ description: "Default: docs/limits.md." }),
  })
  .openapi("CreateGenerator");

const RotateGenerator = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(86_400)
      .default(0)
      .openapi({ description: "How long the old token still works." }),
  })
  .openapi("RotateGenerator");

const Generator = z
  .object({
    id: z.uuid(),
    name: z.string(),
    description: z.string().nullable(),
    scopes: z.array(z.string()),
    namespaces: z.array(z.string()),
    requests_per_hour: z.int(),
    expires_at: z.string(),
    is_expired: z.boolean(),
    created_at: z.string(),
    created_by: z.string(),
    rotated_at: z.string().nullable(),
    last_used_at: z.string().nullable(),
    deleted_at: z.string().nullable(),
    configurations: z.int().openapi({ description: "Deployments that it created and that are still there." }),
  })
  .openapi("Generator");

const MadeGenerator = z
  .object({
    generator: Generator,
    token: z
      .string()
      .nullable()
      .openapi({ description: "Shown in this one answer; null where this request was answered before." }),
  })
  .openapi("MadeGenerator");

const Cascade = z
  .object({
    generator: Generator,
    goes: z.array(
      z.object({
        config_id: z.uuid(),
        namespace: z.string(),
        name: z.string(),
        version: z.int(),
        is_active: z.boolean(),
        versions_by_others: z.int().openapi({ description: "Versions that somebody else saved there." }),
      }),
    ),
    more: z.boolean().openapi({ description: "There are more than one request deletes: preview again after it." }),
    confirm: z.string(),
  })
  .openapi("GeneratorCascade");

const DeletedGenerator = z
  .object({
    generator: Generator,
    deleted: z.array(z.object({ namespace: z.string(), name: z.string(), version: z.int() })),
    remaining: z.int().openapi({ description: "Deployments of it that are left: preview, and send it again." }),
  })
  .openapi("DeletedGenerator");

const params = z.object({ id: z.uuid() });
const tags = ["generators"];
const usual = ["insufficient_permissions", "request_invalid"] as const;

export const createGeneratorRoute = createRoute({
  operationId: "createGenerator",
  ...needs("generators:manage"),
  summary: "Make a machine identity; its token is shown once",
  tags,
  method: "post",
  path: "/generators",
  request: { headers: CreateHeaders, body: takes(CreateGenerator, "What it may do") },
  responses: {
    200: answers(MadeGenerator, "This request was answered before; the token was shown then"),
    201: answers(MadeGenerator, "Made"),
    ...refuses(...usual, "generator_name_taken", "generator_too_wide", "generators_too_many", "idempotency_key_reused"),
  },
});

export const listGeneratorsRoute = createRoute({
  operationId: "listGenerators",
  ...needs("generators:manage"),
  summary: "List machine identities",
  tags,
  method: "get",
  path: "/generators",
  request: { query: z.object({ deleted: z.enum(["true", "false"]).default("false") }) },
  responses: { 200: answers(z.object({ generators: z.array(Generator) }), "By name"), ...refuses(...usual) },
});

export const readGeneratorRoute = createRoute({
  operationId: "readGenerator",
  ...needs("generators:manage"),
  summary: "Read a machine identity",
  tags,
  method: "get",
  path: "/generators/{id}",
  request: { params },
  responses: { 200: answers(Generator, "The generator"), ...refuses(...usual, "generator_not_found") },
});

export const rotateGeneratorRoute = createRoute({
  operationId: "rotateGenerator",
  ...needs("generators:manage"),
  summary: "Give it a new token; the old one ends now, or after an overlap",
  tags,
  method: "post",
  path: "/generators/{id}/rotate",
  request: { params, body: { ...takes(RotateGenerator, "How"), required: false } },
  responses: {
    200: answers(MadeGenerator, "The new token, shown once"),
    ...refuses(...usual, "generator_not_found", "generator_too_wide", "generator_changed"),
  },
});

export const previewCascadeRoute = createRoute({
  operationId: "previewCascade",
  ...needs("generators:manage"),
  summary: "What deleting it with cascade would delete",
  tags,
  method: "get",
  path: "/generators/{id}/cascade",
  request: { params },
  responses: {
    200: answers(Cascade, "Its deployments, and the confirm for them"),
    ...refuses(...usual, "generator_not_found"),
  },
});

export const deleteGeneratorRoute = createRoute({
  operationId: "deleteGenerator",
  ...needs("generators:manage"),
  summary: "Revoke it and keep its work; with cascade, delete its deployments too",
  tags,
  method: "delete",
  path: "/generators/{id}",
  request: {
    params,
    query: z.object({ cascade: z.enum(["true", "false"]).default("false"), confirm: z.string().max(64).optional() }),
  },
  responses: {
    200: answers(DeletedGenerator, "Its tokens are dead"),
    ...refuses(...usual, "generator_not_found", "cascade_not_previewed"),
  },
});

export const restoreGeneratorRoute = createRoute({
  operationId: "restoreGenerator",
  ...needs("generators:manage"),
  summary: "Bring a deleted one back within 30 days, with a new token",
  tags,
  method: "post",
  path: "/generators/{id}/restore",
  request: { params },
  responses: {
    200: answers(MadeGenerator, "The generator; its old tokens stay dead"),
    ...refuses(
      ...usual,
      "generator_not_found",
      "generator_gone",
      "generator_name_taken",
      "generator_too_wide",
      "generators_too_many",
      "generator_changed",
    ),
  },
});
