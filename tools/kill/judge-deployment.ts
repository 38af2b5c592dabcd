import { z } from "zod";
import type { DeploymentState, StoredObject } from "./deployment-state.ts";

const Manifest = z.object({ files: z.array(z.object({ filename: z.string(), size: z.int(), sha256: z.string() })) });
const MANIFEST_FILE = "manifest.json";

/** What a render of the same decisions came to that nobody disturbed: filename to sha256, without the manifest. */
export type ReferenceRender = ReadonlyMap<string, string>;

export const referenceOf = ({ objects }: DeploymentState): ReferenceRender =>
  new Map(
    objects.filter(({ filename }) => filename !== MANIFEST_FILE).map(({ filename, sha256 }) => [filename, sha256]),
  );

/**
 * What is wrong with a deployment whose one version must have ended rendered, once. `left` is what the killed runtime left:
 * where its manifest existed by then, the render was committed, and no object may have changed since (law 4).
 */
export function judgeRendered(
  state: DeploymentState,
  { left, reference }: { left: DeploymentState; reference: ReferenceRender },
): string[] {
  const wrong: string[] = [];
  const hold = (isTrue: boolean, what: string) => {
    if (!isTrue) wrong.push(what);
  };
  const [version] = state.versions;
  const [render] = state.renders;
  const [head] = state.heads;
  hold(state.configurations === 1 && state.versions.length === 1, `${state.versions.length} versions`);
  hold(state.jobs.length === 1 && state.jobs[0]?.state === "rendered", `job ${state.jobs[0]?.state ?? "missing"}`);
  hold(state.renders.length === 1 && render?.deleted === 0, `${state.renders.length} render rows`);
  hold(
    head !== undefined && head.version === version?.version && head.manifest_checksum === render?.manifest_checksum,
    "the head is not at the version",
  );
  for (const action of ["version.created", "version.rendered"])
    hold(state.audited.filter((one) => one === action).length === 1, `not one audit row ${action}`);
  hold(state.audited.length === 2, `audited: ${state.audited.join(", ")}`);
  hold(state.keys === 1, `${state.keys} idempotency keys`);
  wrong.push(...judgeObjects(state, reference), ...judgeUnchanged(state, left));
  return wrong;
}

/** What is wrong with a deployment of which nothing may exist. */
export function judgeAbsent(state: DeploymentState): string[] {
  const counts = {
    configurations: state.configurations,
    versions: state.versions.length,
    jobs: state.jobs.length,
    "audit rows": state.audited.length,
    "idempotency keys": state.keys,
  };
  return Object.entries(counts).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what} of a refused save`]));
}

/** R2 holds the manifest that the row names, the files that the manifest names, and nothing else. */
function judgeObjects({ objects, renders }: DeploymentState, reference: ReferenceRender): string[] {
  const manifest = objects.find(({ filename }) => filename === MANIFEST_FILE);
  if (!manifest) return ["no manifest in R2"];
  const wrong: string[] = [];
  if (manifest.sha256 !== renders[0]?.manifest_checksum) wrong.push("the manifest is not the one that D1 names");
  const listed = Manifest.parse(JSON.parse(manifest.text)).files;
  for (const { filename, sha256, size } of listed) {
    const object = objects.find((one) => one.filename === filename);
    if (!object) wrong.push(`${filename} is missing`);
    else if (object.sha256 !== sha256 || object.size !== size) wrong.push(`${filename} is not what the manifest says`);
    if (reference.get(filename) !== sha256) wrong.push(`${filename} differs from an undisturbed render`);
  }
  if (listed.length !== reference.size || objects.length !== reference.size + 1)
    wrong.push(`${objects.length} objects for ${listed.length} files`);
  return wrong;
}

function judgeUnchanged(state: DeploymentState, left: DeploymentState): string[] {
  if (!left.objects.some(({ filename }) => filename === MANIFEST_FILE)) return [];
  const isSame = (before: StoredObject) =>
    state.objects.some(
      (now) => now.filename === before.filename && now.etag === before.etag && now.sha256 === before.sha256,
    );
  return left.objects.filter((before) => !isSame(before)).map(({ filename }) => `${filename} changed after its commit`);
}
