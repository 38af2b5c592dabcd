import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { type Manifest, type ManifestGraph, buildManifest, fileType, manifestBytes } from "#core/manifest.ts";
import { type Result, err, ok } from "#core/result.ts";
import { judgeUnits } from "#quadlet/judge-units.ts";
import { type UnitGraph, unitGraph } from "#quadlet/unit-graph.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { secretUses } from "#registry/secret-uses.ts";
import { guarded, renderDecisions } from "#registry/render-decisions.ts";
import type { RenderedFile } from "#render/render-pack.ts";
import { attributeFindings } from "#render/trace/attribute-findings.ts";
import type { JobFacts, JobInputsRow } from "#store/job-store.ts";
import type { SecretUse } from "#store/secret-use-store.ts";
import { MANIFEST_FILE, type StoredFile } from "#store/render-files.ts";

/** What is rendered: decisions as stored, for a deployment and the Podman that will run it. */
export type RenderSubject = { configData: JsonObject; deploymentName: string; podmanTarget: string };

/** The files of a render, with their bytes as they are shipped, and what was found that is no reason to refuse them. */
export type RenderedFiles = {
  files: StoredFile[];
  texts: readonly RenderedFile[];
  graph: UnitGraph;
  warnings: readonly Finding[];
};

/** A render in memory: the files, then the manifest over them. `warnings` is what a person should know about it. */
export type MadeRender = {
  files: StoredFile[];
  manifest: StoredFile;
  index: Manifest;
  graph: ManifestGraph;
  warnings: readonly Finding[];
  /** What the files need of the store of secrets. */
  secretUses: readonly SecretUse[];
};

/**
 * The pure part of a render, the same for a job and for a preview: decisions -> files. It reads no clock and no storage, so
 * what it refuses once it refuses for ever: findings of the templates, and of units that would not start.
 */
export async function renderSubject(
  pack: ReadyPack,
  subject: RenderSubject,
): Promise<Result<RenderedFiles, Finding[]>> {
  const judged = guarded(() => renderAndJudge(pack, subject));
  if (!judged.ok) return judged;
  const { files: texts, ...rest } = judged.value;
  const files = await Promise.all(
    texts.map(({ filename, text }) => storedFile(filename, new TextEncoder().encode(text))),
  );
  return ok({ files, texts, ...rest });
}

/** Everything that a job ships: (version, pack, engine version) -> bytes. */
export async function makeRender(
  row: JobInputsRow,
  pack: ReadyPack,
  engineVersion: string,
): Promise<Result<MadeRender, Finding[]>> {
  const subject = {
    configData: JSON.parse(row.config_data) as JsonObject,
    deploymentName: row.deployment_name,
    podmanTarget: row.podman_target,
  };
  const rendered = await renderSubject(pack, subject);
  if (!rendered.ok) return rendered;
  const { files, graph, warnings } = rendered.value;
  const made = await withManifest(row, { files, graph, warnings, engineVersion });
  return ok({ ...made, secretUses: secretUses(made.index, { schema: pack.schema, configData: subject.configData }) });
}

/** Puts the manifest over the files of a version. */
export async function withManifest(
  row: JobFacts & { pack: string | null; version: string | null; pack_digest: string | null },
  { files, graph, warnings, engineVersion }: Omit<RenderedFiles, "texts"> & { engineVersion: string },
): Promise<MadeRender> {
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
  const manifest = await storedFile(MANIFEST_FILE, manifestBytes(index));
  return { files, manifest, index, graph, warnings, secretUses: secretUses(index, null) };
}

type Judged = { files: readonly RenderedFile[]; graph: UnitGraph; warnings: readonly Finding[] };

/** Where the judge has something to say, a second, traced render tells which template line and decision each finding comes from. */
function renderAndJudge(pack: ReadyPack, subject: RenderSubject): Result<Judged, Finding[]> {
  const rendered = renderDecisions(pack, subject);
  if (!rendered.ok) return rendered;
  const { podmanTarget } = subject;
  const downLevels = pack.compiled.pack.podman.down_level ?? true;
  const { files, findings: found } = judgeUnits(rendered.value.files, { podmanTarget, downLevels });
  const findings = withoutSensitiveExcerpts(found, pack);
  if (findings.length === 0) return ok({ files, graph: unitGraph(files, podmanTarget), warnings: findings });
  const traced = renderDecisions(pack, subject, { provenance: true });
  const provenance = traced.ok ? traced.value.provenance : undefined;
  const told = provenance ? attributeFindings(findings, provenance) : findings;
  return hasErrors(told) ? err(told) : ok({ files, graph: unitGraph(files, podmanTarget), warnings: told });
}

/** Names of the outputs that may hold values of decisions marked `x-sensitive`. */
export const sensitiveOutputs = ({ compiled }: ReadyPack): ReadonlySet<string> =>
  new Set(compiled.pack.outputs.filter(({ sensitive }) => sensitive === true).map(({ output }) => output));

/** A finding is stored and shown: lines of a file that may hold sensitive values are not quoted in it. */
export function withoutSensitiveExcerpts(findings: readonly Finding[], pack: ReadyPack): Finding[] {
  const sensitive = sensitiveOutputs(pack);
  return findings.map((finding) => {
    if (!finding.place || !sensitive.has(finding.place.file)) return finding;
    const unquoted = { ...finding };
    delete unquoted.excerpt;
    return unquoted;
  });
}

export const storedFile = async (filename: string, bytes: Uint8Array): Promise<StoredFile> => ({
  filename,
  bytes,
  sha256: await sha256Hex(bytes),
});
