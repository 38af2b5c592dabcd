import { createRoute, z } from "@hono/zod-openapi";
import { Saved, saves, unauthorised } from "#api/configurations/contract.ts";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CreateHeaders, NameParams, NamespaceQuery } from "#api/parameters.ts";

const WhichDeleted = z.strictObject({
  config_id: z.uuid().optional().openapi({ description: "Where several deleted ones had this name." }),
});

const Purge = z
  .object({
    config_id: z.uuid(),
    requested_by: z.string(),
    requested_at: z.string(),
    state: z
      .enum(["removing", "finished"])
      .openapi({ description: "Decisions are gone at once; files within minutes." }),
    objects_removed: z.int(),
    finished_at: z.string().nullable(),
    backups_expire_at: z.string().openapi({ description: "Backups are locked: until then they hold the content." }),
  })
  .openapi("Purge");

const tags = ["configurations"];
const bodies = saves.filter((code) => /^(?:body|media|number)_/.test(code));

export const restoreConfigurationRoute = createRoute({
  operationId: "restoreConfiguration",
  ...needs("config:write"),
  summary: "Bring a deleted configuration back, as a new version with its last content",
  tags,
  method: "post",
  path: "/configurations/{name}/restore",
  request: {
    headers: CreateHeaders,
    params: NameParams,
    query: NamespaceQuery,
    body: takes(WhichDeleted.openapi("RestoreConfiguration"), "Which one; {} for the only one"),
  },
  responses: {
    202: answers(Saved, "Restored; the render is queued"),
    ...refuses(
      ...unauthorised,
      ...saves,
      "configuration_not_found",
      "configuration_ambiguous",
      "configuration_purged",
      "deployment_name_taken",
      "decision_immutable",
      "write_contended",
    ),
  },
});

export const purgeConfigurationRoute = createRoute({
  operationId: "purgeConfiguration",
  ...needs("config:purge"),
  summary: "Erase the content of a deleted configuration for good",
  tags,
  method: "post",
  path: "/configurations/{name}/purge",
  request: {
    params: NameParams,
    query: NamespaceQuery,
    body: takes(
      WhichDeleted.extend({ confirm: z.string().max(100).openapi({ description: "Its name, once more." }) }).openapi(
        "PurgeConfiguration",
      ),
      "The confirmation",
    ),
  },
  responses: {
    202: answers(Purge, "Erased from the database; files follow"),
    ...refuses(
      ...unauthorised,
      ...bodies,
      "purge_not_confirmed",
      "configuration_not_found",
      "configuration_not_deleted",
      "configuration_ambiguous",
    ),
  },
});

export const readPurgeRoute = createRoute({
  operationId: "readPurge",
  ...needs("config:read"),
  summary: "How far a purge is",
  tags,
  method: "get",
  path: "/purges/{config_id}",
  request: { params: z.object({ config_id: z.string().min(1).max(64) }) },
  responses: { 200: answers(Purge, "The purge"), ...refuses(...unauthorised, "purge_not_found") },
});
