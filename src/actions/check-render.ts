import { bundleFiles } from "#actions/read-plan.ts";
import { readRenderWith } from "#actions/read-render.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { isPodmanWithin } from "#core/names.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import { judgeUnits } from "#quadlet/judge-units.ts";
import { loadPack } from "#registry/load-pack.ts";
import { withoutSensitiveExcerpts } from "#registry/make-render.ts";
import { type SchemaSummaryRow, schemaStore } from "#store/schema-store.ts";

export type Verdict = { starts: boolean; findings: Finding[] };

/** `as_rendered`: the files as they are, on that Podman. `as_target`: a new version of the same decisions with that target. */
export type RenderCheck = { podman_target: string; podman: string; as_rendered: Verdict; as_target: Verdict };

/**
 * What would break on another Podman than the one that a version was rendered for. The stored files are judged, nothing is rendered
 * anew and nothing is changed; without `podman`, on the version's own target.
 */
export async function checkRender(
  deps: Deps,
  caller: Caller,
  { version, podman }: { version: number; podman: string | null },
): Promise<RenderCheck> {
  const select = schemaStore.selectOfVersion.bind(deps.db, { workspace_id: caller.workspaceId, version });
  const { render, results } = await readRenderWith(deps, caller, { number: version, selects: [select] });
  const schema = schemaStore.selectOfVersion.rows(results[0])[0] ?? null; // what was uploaded has none
  const pack = schema && (await loadPack(deps, schema));
  const { podman_target } = render.manifest.inputs;
  const asked = podman ?? podman_target;
  const files = await bundleFiles(deps, render);
  const judge = (downLevels: boolean) => {
    const { findings } = judgeUnits(files, { podmanTarget: asked, downLevels });
    if (pack?.ok !== true) return schema === null ? [...findings] : findings.map(withoutExcerpt);
    return withoutSensitiveExcerpts(findings, pack.value);
  };
  // A pack that cannot be had any more renders nothing for any target, so nothing is promised of it.
  const downLevels = pack?.ok === true && pack.value.compiled.pack.podman.down_level !== false;
  const range = schema === null ? [] : outOfRange(schema, asked);
  return {
    podman_target,
    podman: asked,
    as_rendered: verdict(judge(false)),
    as_target: verdict([...range, ...judge(downLevels)]),
  };
}

const verdict = (findings: Finding[]): Verdict => ({ starts: !hasErrors(findings), findings });

/** Without its pack nobody knows which files may hold sensitive values. */
function withoutExcerpt(finding: Finding): Finding {
  const unquoted = { ...finding };
  delete unquoted.excerpt;
  return unquoted;
}

function outOfRange(schema: SchemaSummaryRow, podman: string): Finding[] {
  const range = { min: schema.podman_min, max: schema.podman_max };
  if (isPodmanWithin(podman, range)) return [];
  const supported = range.max === null ? `${range.min} and later` : `${range.min} to ${range.max}`;
  const message = `${schema.pack} ${schema.version} supports Podman ${supported}, so no version can have the target ${podman}.`;
  const action = "Choose a target inside that range, or another schema version.";
  return [{ code: "podman_target_out_of_range", severity: "error", message, action }];
}
