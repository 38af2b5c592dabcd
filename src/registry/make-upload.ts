import { type Finding, hasErrors } from "#core/finding.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { UploadContent, UploadedFile } from "#core/upload.ts";
import { judgeUnits } from "#quadlet/judge-units.ts";
import { type UnitGraph, unitGraph } from "#quadlet/unit-graph.ts";
import { isUnitFile } from "#render/unit-file.ts";
import { type MadeRender, withManifest } from "#registry/make-render.ts";
import { guarded } from "#registry/render-decisions.ts";
import type { JobFacts } from "#store/job-store.ts";

export type JudgedUpload = { graph: UnitGraph; findings: readonly Finding[] };

/** Uploaded files held against the checks of renders. They are shipped as they are: nothing is written for an older Podman. */
export function judgeUpload(files: readonly UploadedFile[], podmanTarget: string): JudgedUpload {
  const findings: Finding[] = [];
  const texts = files.map(({ filename, bytes }) => {
    try {
      return { filename, text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
    } catch {
      if (isUnitFile(filename)) findings.push(notText(filename));
      return { filename, text: "" };
    }
  });
  const judged = guarded(() => {
    const { findings: found } = judgeUnits(texts, { podmanTarget, downLevels: false });
    return ok({ graph: unitGraph(texts, podmanTarget), found });
  });
  if (!judged.ok) return { graph: unitGraph([], podmanTarget), findings: [...findings, ...judged.error] };
  return { graph: judged.value.graph, findings: [...findings, ...judged.value.found] };
}

const notText = (file: string): Finding => ({
  code: "upload_not_text",
  severity: "error",
  message: `${file} is no UTF-8 text, and a unit must be.`,
  action: "Save it as UTF-8.",
  place: { file, line: 1, column: 1 },
});

/** Everything that the job of an upload ships. What was accepted by force is shipped with its errors as warnings. */
export async function makeUpload(
  row: JobFacts,
  { files, force, engineVersion }: { files: UploadedFile[]; force: UploadContent["force"]; engineVersion: string },
): Promise<Result<MadeRender, Finding[]>> {
  const { graph, findings } = judgeUpload(files, row.podman_target);
  if (hasErrors(findings) && force !== true) return err([...findings]);
  const made = { pack: null, version: null, pack_digest: null };
  return ok(await withManifest({ ...row, ...made }, { files, graph, warnings: findings, engineVersion }));
}
