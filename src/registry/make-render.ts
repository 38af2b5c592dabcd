import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Manifest, type ManifestGraph, buildManifest, fileType, manifestBytes } from "#core/manifest.ts";
import { type Result, err, ok } from "#core/result.ts";
import { judgeUnits } from "#quadlet/judge-units.ts";
import { type UnitGraph, unitGraph } from "#quadlet/unit-graph.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { guarded, renderDecisions } from "#registry/render-decisions.ts";
import type { RenderedFile } from "#render/render-pack.ts";
import { attributeFindings } from "#render/trace/attribute-findings.ts";
import type { JobInputsRow } from "#store/job-store.ts";
import { MANIFEST_FILE, type StoredFile } from "#store/render-files.ts";

/** A render in memory: the files, then the manifest over them. `warnings` is what a person should know about it. */
export type MadeRender = {
  files: StoredFile[];
  manifest: StoredFile;
  index: Manifest;
  graph: ManifestGraph;
  warnings: readonly Finding[];
};

/**
 * The pure part of a job: (version, pack, engine version) -> bytes. It reads no clock and no storage, so what it refuses
 * once it refuses for ever: findings end the job, those of the templates and those of the units that would not start.
 */
export async function makeRender(
  row: JobInputsRow,
  pack: ReadyPack,
  engineVersion: string,
): Promise<Result<MadeRender, Finding[]>> {
  const judged = guarded(() => renderAndJudge(row, pack));
  if (!judged.ok) return judged;
  const { graph, warnings } = judged.value;
  const files = await Promise.all(
    judged.value.files.map(({ filename, text }) => storedFile(filename, new TextEncoder().encode(text))),
  );
  const index = buildManifest({
    workspaceId: row.workspace_id,
    epoch: row.epoch,
    version: row.number,
    deploymentName: row.deployment_name,
    namespace: row.namespace,
    createdAt: row.created_at,
    files: files.map(({ filename, bytes, sha256 }) => ({
      filename,
      type: fileType(filename),
      size: bytes.byteLength,
      sha256,
    })),
    graph,
    inputs: {
      pack: row.pack,
      schema_version: row.version,
      pack_digest: row.pack_digest,
      engine_version: engineVersion,
      podman_target: row.podman_target,
    },
  });
  return ok({ files, manifest: await storedFile(MANIFEST_FILE, manifestBytes(index)), index, graph, warnings });
}

type Judged = { files: readonly RenderedFile[]; graph: UnitGraph; warnings: readonly Finding[] };

/** Where the judge has something to say, a second, traced render tells which template line and decision each finding comes from. */
function renderAndJudge(row: JobInputsRow, pack: ReadyPack): Result<Judged, Finding[]> {
  const decisions = { configData: JSON.parse(row.config_data) as JsonObject, deploymentName: row.deployment_name };
  const rendered = renderDecisions(pack, decisions);
  if (!rendered.ok) return rendered;
  const { podman_target: podmanTarget } = row;
  const downLevels = pack.compiled.pack.podman.down_level ?? true;
  const { files, findings } = judgeUnits(rendered.value.files, { podmanTarget, downLevels });
  if (findings.length === 0) return ok({ files, graph: unitGraph(files, podmanTarget), warnings: findings });
  const traced = renderDecisions(pack, decisions, { provenance: true });
  const provenance = traced.ok ? traced.value.provenance : undefined;
  const told = provenance ? attributeFindings(findings, provenance) : [...findings];
  return hasErrors(told) ? err(told) : ok({ files, graph: unitGraph(files, podmanTarget), warnings: told });
}

const storedFile = async (filename: string, bytes: Uint8Array): Promise<StoredFile> => ({
  filename,
  bytes,
  sha256: await sha256Hex(bytes),
});
