import { createRoute, z } from "@hono/zod-openapi";
import { answers, needs, refuses, takes } from "#api/envelope.ts";
import { CursorQuery } from "#api/parameters.ts";
import { JsonObject } from "#core/json.ts";

const State = z.enum(["open", "accepted", "dismissed", "superseded"]);

const Proposal = z
  .object({
    id: z.uuid(),
    namespace: z.string(),
    deployment_name: z.string(),
    pack: z.string(),
    from_version: z.string(),
    schema_version: z.string(),
    base_version: z.int().openapi({ description: "The version that the preview was made from." }),
    state: State,
    class: z.enum(["identical", "changed", "restarts", "data_risk", "needs_input", "fails"]),
    preview: JsonObject.openapi({
      description: "reasons, lost, findings, changes (decisions), plan (a device's steps), files (unified diffs)",
    }),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .openapi("Proposal");

const Yanked = z.object({
  namespace: z.string(),
  deployment_name: z.string(),
  pack: z.string(),
  schema_version: z.string(),
  yanked_reason: z.string().nullable(),
});

const tags = ["schemas"];

export const listProposalsRoute = createRoute({
  operationId: "listProposals",
  ...needs("config:read"),
  summary: "What new releases would do to this workspace's deployments, and which of them run one that was taken back",
  tags,
  method: "get",
  path: "/proposals",
  request: { query: CursorQuery.extend({ state: State.default("open") }) },
  responses: {
    200: answers(
      z.object({ proposals: z.array(Proposal), yanked: z.array(Yanked), next_cursor: z.string().nullable() }),
      "Newest first",
    ),
    ...refuses("insufficient_permissions", "request_invalid"),
  },
});

const params = z.object({ id: z.uuid() });

export const acceptProposalRoute = createRoute({
  operationId: "acceptProposal",
  ...needs("config:write"),
  summary: "Take a proposal: a new version with the migrated decisions",
  tags,
  method: "post",
  path: "/proposals/{id}/accept",
  request: {
    params,
    body: takes(
      z.strictObject({
        inputs: JsonObject.default({}).openapi({ description: "By path, for what nobody can derive", example: {} }),
        accept_losses: z
          .boolean()
          .default(false)
          .openapi({ description: "Must be true where decisions are lost or data is at risk." }),
      }),
      "Values that the migration asks for",
    ),
  },
  responses: {
    202: answers(
      z.object({ version: z.int(), summary: z.string().nullable() }),
      "Saved; GET /renders/{version} says how it goes",
    ),
    ...refuses(
      "proposal_not_found",
      "proposal_decided",
      "proposal_not_possible",
      "losses_not_accepted",
      "write_contended",
      "insufficient_permissions",
      "request_invalid",
    ),
  },
});

export const dismissProposalRoute = createRoute({
  operationId: "dismissProposal",
  ...needs("config:write"),
  summary: "Put a proposal away; that version is not proposed to the deployment again",
  tags,
  method: "post",
  path: "/proposals/{id}/dismiss",
  request: { params },
  responses: {
    200: answers(z.object({ id: z.uuid(), state: z.literal("dismissed") }), "It is put away"),
    ...refuses("proposal_not_found", "proposal_decided", "insufficient_permissions", "request_invalid"),
  },
});
