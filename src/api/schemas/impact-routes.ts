import { z } from "zod";
import { type ExaminedCandidate, previewCandidate } from "#actions/preview-candidate.ts";
import { type Impact, type OwnImpact, readImpact } from "#actions/read-impact.ts";
import { requestImpact } from "#actions/request-impact.ts";
import { createRoutes } from "#api/create-routes.ts";
import { decodeCursor, encodeCursor } from "#api/parameters.ts";
import { compatibilityView, matrixView } from "#api/schemas/compatibility-view.ts";
import { previewSchemaRoute, readImpactRoute, requestImpactRoute } from "#api/schemas/impact-contract.ts";
import { readArchive } from "#api/schemas/read-archive.ts";
import type { Finding } from "#core/finding.ts";
import { describeImpact } from "#core/impact.ts";

type Of = { pack: string; version: string; candidate?: string | null | undefined };

const impactPath = ({ pack, version, candidate }: Of) =>
  `/schemas/${version}/impact?pack=${pack}${candidate ? `&candidate=${candidate}` : ""}`;

export const impactRoutes = () =>
  createRoutes()
    .openapi(readImpactRoute, async (c) => {
      const { pack, candidate, limit, cursor } = c.req.valid("query");
      const { version } = c.req.valid("param");
      const after = decodeCursor(cursor, z.string());
      const of = { pack, version, candidate: candidate ?? null, after, limit };
      const impact = await readImpact(c.get("deps"), c.get("caller"), of);
      return c.json({ success: true as const, data: impactView({ pack, version, limit }, impact) }, 200);
    })
    .openapi(requestImpactRoute, async (c) => {
      const { pack, candidate = null } = c.req.valid("query");
      const of = { pack, version: c.req.valid("param").version, candidate };
      await requestImpact(c.get("deps"), c.get("caller"), of);
      return c.json({ success: true as const, data: { read_on: impactPath(of) } }, 202);
    })
    .openapi(previewSchemaRoute, async (c) => {
      const of = c.req.valid("query");
      const examined = await previewCandidate(c.get("deps"), c.get("caller"), {
        ...of,
        readArchive: () => readArchive(c.req.raw),
      });
      const data = examinedView(of, examined);
      return examined.expiresAt === null
        ? c.json({ success: true as const, data }, 200)
        : c.json({ success: true as const, data }, 202);
    });

function impactView(of: { pack: string; version: string; limit: number }, impact: Impact) {
  const { pack, version, limit } = of;
  const last = impact.own.length === limit ? impact.own.at(-1) : undefined;
  return {
    pack,
    version,
    state: impact.state,
    progress: impact.progress,
    as_of: impact.asOf,
    counts: impact.counts,
    totals: impact.totals,
    configurations: impact.own.map(ownView),
    next_cursor: last ? encodeCursor(last.config_id) : null,
    candidate: candidateView(impact.candidate),
  };
}

const ownView = ({ deployment_name, detail, ...row }: OwnImpact) => ({
  config_id: row.config_id,
  name: deployment_name,
  namespace: row.namespace,
  class: row.class,
  text: describeImpact(row.class, detail),
  detail,
});

function candidateView(row: Impact["candidate"]) {
  if (row === null) return null;
  const { digest, pack, schema_version: version, expires_at } = row;
  return {
    digest,
    pack,
    version,
    status: "ready" as const,
    podman: { min: row.podman_min, max: row.podman_max },
    report: JSON.parse(row.report) as Finding[],
    matrix: matrixView(row.matrix),
    compatibility: compatibilityView(row.compatibility),
    expires_at,
    read_on: impactPath({ pack, version, candidate: digest }),
  };
}

function examinedView(of: { pack: string; version: string }, { admission, expiresAt }: ExaminedCandidate) {
  const { digest, status, report, pack, matrix, compatibility } = admission;
  return {
    ...of,
    digest,
    status,
    podman: pack && { min: pack.podman.min, max: pack.podman.max },
    report,
    matrix: matrixView(matrix && JSON.stringify(matrix)),
    compatibility: compatibilityView(compatibility && JSON.stringify(compatibility)),
    expires_at: expiresAt,
    read_on: expiresAt === null ? null : impactPath({ ...of, candidate: digest }),
  };
}
