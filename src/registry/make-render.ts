import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Manifest, type ManifestGraph, buildManifest, fileType, manifestBytes } from "#core/manifest.ts";
import { type Result, err, ok } from "#core/result.ts";
import { checkPrinted } from "#quadlet/check-printed.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import { type UnitGraph, unitGraph } from "#quadlet/unit-graph.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { guarded, renderDecisions } from "#registry/render-decisions.ts";
import type { RenderedFile } from "#render/render-pack.ts";
import { attributeFindings } from "#render/trace/attribute-findings.ts";
import type { JobInputsRow } from "#store/job-store.ts";
import { MANIFEST_FILE, type StoredFile } from "#store/render-files.ts";

/** A render in memory: the files, then the manifest over them. */
export type MadeRender = { files: StoredFile[]; manifest: StoredFile; index: Manifest; graph: ManifestGraph };

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
  const { graph } = judged.value;
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
  return ok({ files, manifest: await storedFile(MANIFEST_FILE, manifestBytes(index)), index, graph });
}

type Judged = { files: readonly RenderedFile[]; graph: UnitGraph };

/** Where the judge refuses, a second, traced render says which template line and decision each finding comes from. */
function renderAndJudge(row: JobInputsRow, pack: ReadyPack): Result<Judged, Finding[]> {
  const decisions = { configData: JSON.parse(row.config_data) as JsonObject, deploymentName: row.deployment_name };
  const rendered = renderDecisions(pack, decisions);
  if (!rendered.ok) return rendered;
  const { files } = rendered.value;
  const printed = files.flatMap((file) => checkPrinted(file.filename, file.text, file.printed));
  const problems = [...checkUnits(files, { podmanTarget: row.podman_target }), ...printed];
  if (!hasErrors(problems)) return ok({ files, graph: unitGraph(files, row.podman_target) });
  const traced = renderDecisions(pack, decisions, { provenance: true });
  const provenance = traced.ok ? traced.value.provenance : undefined;
  return err(provenance ? attributeFindings(problems, provenance) : problems);
}

const storedFile = async (filename: string, bytes: Uint8Array): Promise<StoredFile> => ({
  filename,
  bytes,
  sha256: await sha256Hex(bytes),
});
