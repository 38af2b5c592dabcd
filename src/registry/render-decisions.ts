import { type PreparedDecisions, prepareWith } from "#core/decisions.ts";
import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import { causeText } from "#core/log.ts";
import { type Result, err, ok } from "#core/result.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { type RenderedPack, renderPack } from "#render/render-pack.ts";

/** What a version says: its decisions as stored, and the name of its deployment. */
export type RenderedDecisions = { configData: JsonObject; deploymentName: string };

/**
 * Renders decisions through a pack: completed by the pack's defaults, then its templates. Used by the job, and by whoever asks
 * later where a line came from: both see the same bytes.
 */
export function renderDecisions(
  pack: ReadyPack,
  { configData, deploymentName }: RenderedDecisions,
  options: { provenance?: boolean } = {},
): Result<RenderedPack & { marks: PreparedDecisions["marks"] }, Finding[]> {
  const prepared = prepareWith(pack.schema, configData);
  if (!prepared.ok) return prepared;
  const { effective: decisions, marks } = prepared.value;
  const rendered = renderPack(pack.compiled, { decisions, deploymentName, marks, ...options });
  return rendered.ok ? ok({ ...rendered.value, marks }) : rendered;
}

/**
 * Runs the pure part of a render. An exception in it is a defect of ours and happens every time: it ends the job like a finding,
 * instead of being tried for ever like a fault of the transport.
 */
export function guarded<T>(work: () => Result<T, Finding[]>): Result<T, Finding[]> {
  try {
    return work();
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
