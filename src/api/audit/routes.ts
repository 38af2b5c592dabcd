import { z } from "zod";
import { checkAudit, exportAudit, listAudit } from "#actions/read-audit.ts";
import { exportAuditRoute, listAuditRoute, verifyAuditRoute } from "#api/audit/contract.ts";
import { createRoutes } from "#api/create-routes.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";
import { toInstant } from "#core/runtime.ts";

const SeqCursor = z.object({ seq: z.int().positive() });

export const auditRoutes = () =>
  createRoutes()
    .openapi(listAuditRoute, async (c) => {
      const { limit, cursor, actor, action, target, since, until } = c.req.valid("query");
      const { items, next } = await listAudit(c.get("deps"), c.get("caller"), {
        filter: {
          actor: actor ?? null,
          action: action ?? null,
          target: target ?? null,
          since: since === undefined ? null : toInstant(new Date(since)),
          until: until === undefined ? null : toInstant(new Date(until)),
        },
        before: decodeCursor(cursor, SeqCursor)?.seq ?? null,
        limit,
      });
      const entries = items.map(({ id, seq, at, actor: by, action: done, target: to, payload, entry_digest }) => ({
        id,
        seq,
        at,
        actor: by,
        action: done,
        target: to,
        payload: JSON.parse(payload) as Record<string, never>,
        entry_digest,
      }));
      const data = { entries, next_cursor: next === null ? null : encodeCursor({ seq: next }) };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(verifyAuditRoute, async (c) => {
      const after = decodeCursor(c.req.valid("query").cursor, SeqCursor)?.seq ?? 0;
      const verdict = await checkAudit(c.get("deps"), c.get("caller"), after);
      const data = {
        is_intact: verdict.problems.length === 0,
        problems: verdict.problems,
        checked: verdict.checked,
        verified_to: verdict.verifiedTo,
        unsealed: verdict.unsealed,
        next_cursor: verdict.next === null ? null : encodeCursor({ seq: verdict.next }),
      };
      return c.json({ success: true as const, data }, 200);
    })
    .openapi(exportAuditRoute, async (c) => {
      const lines = await exportAudit(c.get("deps"), c.get("caller"));
      c.header("content-type", "application/x-ndjson");
      c.header("content-disposition", 'attachment; filename="audit.jsonl"');
      return c.body(lines, 200) as never; // the types take every media type with "json" in it for one JSON value
    });
