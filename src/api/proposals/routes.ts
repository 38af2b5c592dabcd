import { z } from "zod";
import { acceptProposal, dismissProposal, listProposals } from "#actions/proposals.ts";
import { createRoutes } from "#api/create-routes.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";
import { acceptProposalRoute, dismissProposalRoute, listProposalsRoute } from "#api/proposals/contract.ts";
import type { JsonObject } from "#core/json.ts";
import type { ProposalRow } from "#store/proposal-store.ts";

export const proposalRoutes = () =>
  createRoutes()
    .openapi(listProposalsRoute, async (c) => {
      const { limit, cursor, state } = c.req.valid("query");
      const before = decodeCursor(cursor, z.string());
      const { proposals, yanked } = await listProposals(c.get("deps"), c.get("caller"), { state, before, limit });
      const last = proposals.length === limit ? proposals.at(-1) : undefined;
      const next = last ? encodeCursor(`${last.created_at}${last.id}`) : null;
      return c.json(
        { success: true as const, data: { proposals: proposals.map(proposalView), yanked, next_cursor: next } },
        200,
      );
    })
    .openapi(acceptProposalRoute, async (c) => {
      const { inputs, accept_losses: acceptLosses } = c.req.valid("json");
      const of = { id: c.req.valid("param").id, inputs, acceptLosses };
      const version = await acceptProposal(c.get("deps"), c.get("caller"), of);
      const data = { version: version.version, summary: version.changes_summary };
      return c.json({ success: true as const, data }, 202);
    })
    .openapi(dismissProposalRoute, async (c) => {
      const { id } = c.req.valid("param");
      await dismissProposal(c.get("deps"), c.get("caller"), id);
      return c.json({ success: true as const, data: { id, state: "dismissed" as const } }, 200);
    });

const proposalView = (row: ProposalRow) => ({
  id: row.id,
  namespace: row.namespace,
  deployment_name: row.deployment_name,
  pack: row.pack,
  from_version: row.from_version,
  schema_version: row.schema_version,
  base_version: row.base_version,
  state: row.state,
  class: row.class,
  preview: JSON.parse(row.preview) as JsonObject,
  created_at: row.created_at,
  updated_at: row.updated_at,
});
