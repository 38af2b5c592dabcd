import { type Finding, hasErrors } from "#core/finding.ts";
import { type JsonObject, canonicalJson } from "#core/json.ts";
import type { MatrixRow, PairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { checkPrinted } from "#quadlet/check-printed.ts";
import { checkBundle } from "#quadlet/check-units.ts";
import { type LoadedBundle, loadUnits } from "#quadlet/load-units.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { guarded, renderDecisions } from "#registry/render-decisions.ts";
import type { PackAnalysis } from "#render/analyze-pack.ts";
import { renderPack } from "#render/render-pack.ts";
import { attributeFindings } from "#render/trace/attribute-findings.ts";
import { type Measure, unmeasured } from "#registry/admission/phase.ts";
import { blameDecisions } from "#registry/admission/blame-decisions.ts";

/** Any name serves: renders of one matrix are compared with each other only. */
const DEPLOYMENT_NAME = "admission";

/** One row, rendered: its units, or null where it does not render. */
export type RenderedRow = { row: MatrixRow; effective: JsonObject; bundle: LoadedBundle | null };

export type MatrixRun = { rows: RenderedRow[]; findings: Finding[] };

/**
 * Renders every row and judges its units for the oldest and the newest Podman of the pack's range. One finding per fault and
 * place, however many rows meet it; where a template is to blame, its line is named, and which decisions bring it about.
 */
export function runMatrix(
  pack: ReadyPack,
  matrix: PairwiseMatrix,
  { analysis, measure }: { analysis: PackAnalysis; measure: Measure },
): MatrixRun {
  const targets = podmanTargets(pack.compiled.pack.podman);
  const rows: RenderedRow[] = [];
  const seen = new Map<string, { finding: Finding; rows: Set<number> }>();
  for (const [index, row] of matrix.rows.entries()) {
    const { rendered, findings } = renderRow(pack, { row, targets, measure, like: rows.at(-1)?.bundle ?? undefined });
    rows.push(rendered);
    for (const finding of findings) {
      const key = canonicalJson([finding.code, finding.place?.file ?? "", lineOf(finding), finding.message]);
      const known = seen.get(key);
      if (known) known.rows.add(index);
      else seen.set(key, { finding: traced(pack, row, finding), rows: new Set([index]) });
    }
  }
  const findings = [...seen.values()].map((fault) => {
    if (fault.rows.size === rows.length) return fault.finding;
    const isRead = readersOf(analysis, (fault.finding.template ?? fault.finding.place)?.file ?? "");
    const cause = blameDecisions(
      rows.map(({ effective }) => effective),
      { faulty: fault.rows, isRead },
    );
    if (cause === null) return fault.finding;
    return { ...fault.finding, message: `${fault.finding.message} It happens with ${cause}.` };
  });
  return { rows, findings };
}

/** Whether a template, or one that it loads, or the condition of its output, reads a decision. */
function readersOf(analysis: PackAnalysis, template: string): (path: string) => boolean {
  const files = new Set([template]);
  for (const file of files)
    for (const { from, to } of analysis.references) if (from === file && to !== null) files.add(to);
  const conditions = Object.keys(analysis.variables).filter((name) => name.startsWith("leger-pack.json"));
  const paths = [...files, ...conditions].flatMap((file) => analysis.variables[file] ?? []);
  const read = paths.map((path) => path.replace(/^config\./, ""));
  return (decision) =>
    read.some((path) => path === decision || path.startsWith(`${decision}.`) || decision.startsWith(`${path}.`));
}

/** The rows rendered and nothing judged: what a device of the older version has, for a comparison. */
export function renderMatrix(pack: ReadyPack, matrix: PairwiseMatrix): RenderedRow[] {
  const targets = podmanTargets(pack.compiled.pack.podman).slice(0, 1);
  return matrix.rows.map((row) => renderRow(pack, { row, targets, like: undefined, isJudged: false }).rendered);
}

const lineOf = ({ template, place }: Finding) => (template ?? place)?.line ?? 0;

function podmanTargets({ min, max }: { min: string; max: string | null }): string[] {
  return max === null || max === min ? [min] : [min, max];
}

type RowInput = {
  row: MatrixRow;
  targets: string[];
  like: LoadedBundle | undefined;
  isJudged?: boolean;
  measure?: Measure;
};

function renderRow(
  pack: ReadyPack,
  { row, targets, like, isJudged = true, measure = unmeasured }: RowInput,
): { rendered: RenderedRow; findings: Finding[] } {
  const { effective, marks } = row.prepared;
  measure("rendering");
  const made = guarded(() =>
    renderPack(pack.compiled, { decisions: effective, deploymentName: DEPLOYMENT_NAME, marks }),
  );
  if (!made.ok) return { rendered: { row, effective, bundle: null }, findings: made.error };
  const { files } = made.value;
  measure("quadlet checks");
  const bundles = targets.map((podman) => loadUnits(files, podman, like));
  const rendered = { row, effective, bundle: bundles[0] ?? null };
  if (!isJudged) return { rendered, findings: [] };
  const findings = [
    ...bundles.flatMap((bundle) => checkBundle(bundle)),
    ...files.flatMap((file) => checkPrinted(file.filename, file.text, file.printed)),
  ];
  return { rendered, findings };
}

/** The template's line behind a finding about an output, by one more render that keeps account of where lines come from. */
function traced(pack: ReadyPack, row: MatrixRow, finding: Finding): Finding {
  if (!hasErrors([finding]) || !finding.place || Object.hasOwn(pack.compiled.sources, finding.place.file))
    return finding;
  const input = { configData: row.configData, deploymentName: DEPLOYMENT_NAME };
  const again = renderDecisions(pack, input, { provenance: true });
  const provenance = again.ok ? again.value.provenance : undefined;
  return (provenance && attributeFindings([finding], provenance)[0]) ?? finding;
}
