import { prepareWith } from "#core/decisions.ts";
import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { causeText } from "#core/log.ts";
import { type Manifest, type ManifestGraph, buildManifest, fileType, manifestBytes } from "#core/manifest.ts";
import { type Result, err, ok } from "#core/result.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import { unitGraph } from "#quadlet/unit-graph.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { renderPack } from "#render/render-pack.ts";
import type { JobInputsRow } from "#store/job-store.ts";
import { MANIFEST_FILE, type StoredFile } from "#store/render-files.ts";

/** A render in memory: the files, then the manifest over them. */
export type MadeRender = { files: StoredFile[]; manifest: StoredFile; index: Manifest; graph: ManifestGraph };

/**
 * The pure part of a job: (version, pack, engine version) -> bytes. It reads no clock and no storage, so what it refuses
 * once it refuses for ever: findings end the job, those of the templates and those of the units that would not start. That holds for an exception too, which would be a defect of ours.
 */
export async function makeRender(
  row: JobInputsRow,
  pack: ReadyPack,
  engineVersion: string,
): Promise<Result<MadeRender, Finding[]>> {
  const texts = renderTexts(row, pack);
  if (!texts.ok) return texts;
  const problems = checkUnits(texts.value, { podmanTarget: row.podman_target });
  if (hasErrors(problems)) return err(problems);
  const files = await Promise.all(
    texts.value.map(({ filename, text }) => storedFile(filename, new TextEncoder().encode(text))),
  );
  const graph = unitGraph([...texts.value], row.podman_target);
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

const storedFile = async (filename: string, bytes: Uint8Array): Promise<StoredFile> => ({
  filename,
  bytes,
  sha256: await sha256Hex(bytes),
});

function renderTexts(
  row: JobInputsRow,
  pack: ReadyPack,
): Result<readonly { filename: string; text: string }[], Finding[]> {
  try {
    const prepared = prepareWith(pack.schema, JSON.parse(row.config_data) as JsonObject);
    if (!prepared.ok) return prepared;
    const { effective, marks } = prepared.value;
    const rendered = renderPack(pack.compiled, { decisions: effective, deploymentName: row.deployment_name, marks });
    if (!rendered.ok) return rendered;
    return ok(rendered.value.files);
  } catch (cause) {
    const finding: Finding = {
      code: "render_internal",
      severity: "error",
      message: `The renderer itself failed: ${causeText(cause)}`,
      action: "Report it with this version's number; nothing was shipped, and devices keep what they run.",
    };
    return err([finding]);
  }
}
