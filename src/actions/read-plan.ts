import { type RenderedVersion, readAllFiles, readRender, readRenderPair } from "#actions/read-render.ts";
import type { Caller } from "#core/principal.ts";
import type { Deps } from "#deps.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { type Plan } from "#quadlet/plan/plan.ts";
import { planBetween } from "#quadlet/plan/plan-between.ts";
import { type QuadletsFile, writeQuadlets } from "#quadlet/quadlets-file.ts";
import { MANIFEST_FILE } from "#store/render-files.ts";

/** What a device does when it goes from one rendered version to another; `from` null means nothing is installed yet. */
export async function readPlan(
  deps: Deps,
  caller: Caller,
  numbers: { from: number | null; to: number },
): Promise<Plan> {
  const { from, to } = await readRenderPair(deps, caller, numbers);
  const [oldFiles, newFiles] = await Promise.all([from && bundleFiles(deps, from), bundleFiles(deps, to)]);
  const newPodman = to.manifest.inputs.podman_target;
  return planBetween(oldFiles, newFiles, { newPodman, oldPodman: from?.manifest.inputs.podman_target ?? newPodman });
}

/** A render as one `.quadlets` file for `podman quadlet install` (Podman 5.8); files that are no units are left out. */
export async function readQuadlets(
  deps: Deps,
  caller: Caller,
  version: number,
): Promise<QuadletsFile & { name: string }> {
  const render = await readRender(deps, caller, version);
  return { ...writeQuadlets(await bundleFiles(deps, render)), name: render.manifest.name };
}

/** A render's files as texts, the manifest left out. */
export async function bundleFiles(deps: Deps, render: RenderedVersion): Promise<BundleFile[]> {
  const files = await readAllFiles(deps, render);
  return files
    .filter(({ filename }) => filename !== MANIFEST_FILE)
    .map(({ filename, bytes }) => ({ filename, text: new TextDecoder().decode(bytes) }));
}
