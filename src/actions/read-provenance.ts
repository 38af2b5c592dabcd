import { readAs } from "#actions/read-as.ts";
import type { Name } from "#actions/read-configurations.ts";
import { AppError } from "#core/errors.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { loadPack } from "#registry/load-pack.ts";
import { renderDecisions } from "#registry/render-decisions.ts";
import type { LineProvenance, Provenance } from "#render/trace/provenance.ts";
import { schemaStore } from "#store/schema-store.ts";
import { versionStore } from "#store/version-store.ts";

export type ProvenanceLine = LineProvenance & { file: string; line: number };

type Question = { name: Name; number: number; file: string | null; line: number | null; decision: string | null };

/**
 * Where lines of a version come from: of one line, of all lines of a file, or all lines that a decision reached. The version is
 * rendered once more, traced; it answers about the very bytes that were shipped, since rendering is pure.
 */
export async function readProvenance(deps: Deps, caller: Caller, question: Question): Promise<ProvenanceLine[]> {
  const { db } = deps;
  const { results } = await readAs(deps, { caller, permission: "config:read" }, [
    versionStore.selectByNumber.bind(db, { workspace_id: caller.workspaceId, version: question.number }),
    schemaStore.selectOfVersion.bind(db, { workspace_id: caller.workspaceId, version: question.number }),
  ]);
  const row = versionStore.selectByNumber.rows(results[0])[0];
  const schema = schemaStore.selectOfVersion.rows(results[1])[0];
  const { namespace, deployment_name } = question.name;
  if (!row || !schema || row.namespace !== namespace || row.deployment_name !== deployment_name)
    throw AppError.of("version_not_found", { version: question.number });

  const pack = await loadPack(deps, schema);
  if (!pack.ok) throw AppError.of("render_not_ready", { version: question.number, state: "without its pack" });
  const decisions = { configData: versionStore.fromRow(row).config_data, deploymentName: deployment_name };
  const rendered = renderDecisions(pack.value, decisions, { provenance: true });
  if (!rendered.ok || !rendered.value.provenance)
    throw AppError.of("render_not_ready", { version: question.number, state: row.job_state ?? "not renderable" });
  return answer(rendered.value.provenance, question);
}

function answer(provenance: Provenance, { file, line, decision }: Question): ProvenanceLine[] {
  const files = file === null ? provenance.filenames : [file];
  if (file !== null && provenance.linesOf(file).length === 0) throw AppError.of("file_not_found", { file });
  if (decision === null && file === null) return [];
  const wanted =
    decision === null ? null : new Set(provenance.linesOfDecision(decision).map((at) => `${at.filename}:${at.line}`));
  return files.flatMap((name) =>
    provenance.linesOf(name).flatMap((origin, index) => {
      const isAsked = (line === null || line === index + 1) && (wanted === null || wanted.has(`${name}:${index + 1}`));
      return isAsked ? [{ file: name, line: index + 1, ...origin }] : [];
    }),
  );
}
