import { type Compatibility } from "#core/compatibility/compatibility.ts";
import { prepareWith } from "#core/decisions.ts";
import type { Finding } from "#core/finding.ts";
import { type PairwiseMatrix, pairwiseMatrix } from "#core/matrix/pairwise-matrix.ts";
import { migrationPath } from "#core/migration/migrate.ts";
import type { Pack } from "#core/pack.ts";
import { checkDependencies } from "#registry/admission/check-dependencies.ts";
import { checkPromises, stepsWithFiles } from "#registry/admission/check-migrations.ts";
import { comparePacks } from "#registry/admission/compare-packs.ts";
import { packMigrations } from "#registry/admission/pack-migrations.ts";
import { type Measure, unmeasured } from "#registry/admission/phase.ts";
import { renderMatrix, runMatrix } from "#registry/admission/run-matrix.ts";
import { SourcePlaces } from "#registry/admission/source-places.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { type PackAnalysis, analyzePack } from "#render/analyze-pack.ts";
import { sortedFindings } from "#render/finding-of-fault.ts";

export type Examination = {
  findings: Finding[];
  matrix: Omit<PairwiseMatrix, "rows"> & { rows: number };
  compatibility: Compatibility | null;
};

export type ExaminedPack = { version: string; pack: ReadyPack };

/**
 * The deep half of admission, over a pack that compiles: static analysis, the pairwise matrix rendered and judged, migrations held to
 * their promises, and compatibility with the version before it. Pure.
 * An error among the findings means quarantine.
 */
export function examinePack(
  newer: ExaminedPack,
  { previous, measure = unmeasured }: { previous: ExaminedPack | null; measure?: Measure },
): Examination {
  const { pack } = newer;
  const places = new SourcePlaces(pack.compiled.pack);
  measure("analysis");
  const analysis = analyzePack(pack.compiled);
  const findings = [
    ...nothingMade(pack.compiled.pack),
    ...checkDependencies(pack.schema, places),
    ...staticFindings(analysis, places),
  ];
  measure("matrix");
  const matrix = pairwiseMatrix(pack.schema);
  findings.push(
    ...runMatrix(pack, matrix, { analysis, measure }).findings,
    ...emptyMatrix(matrix, pack, places),
    ...matrixFindings(matrix),
  );
  measure("migrations");
  const migrations = packMigrations(pack.compiled.pack);
  if (!migrations.ok) findings.push(...migrations.error);
  let compatibility: Compatibility | null = null;
  if (previous && migrations.ok) {
    measure("previous release");
    const rendered = renderMatrix(previous.pack, pairwiseMatrix(previous.pack.schema));
    const path = migrationPath(
      migrations.value.map(({ migration }) => migration),
      { from: previous.version, to: newer.version },
    );
    measure("migrations");
    const rows = rendered.flatMap(({ row, effective }) => [row.configData, effective]);
    findings.push(...checkPromises(stepsWithFiles(path, migrations.value), rows, places));
    measure("compatibility");
    const compared = comparePacks({ older: previous, newer, rows: rendered, path });
    ({ compatibility } = compared);
    findings.push(
      ...refusedRows(compared.refused, { places, hasMigration: path.steps.length > 0 }),
      ...overpromised(compatibility, places),
    );
  }
  return { findings: sortedFindings(findings), matrix: { ...matrix, rows: matrix.rows.length }, compatibility };
}

/** As a release is admitted: what reaches no template or comes from nowhere is an error here, since an author can mend it. */
function staticFindings(analysis: PackAnalysis, places: SourcePlaces): Finding[] {
  return analysis.findings.map((finding) =>
    finding.code === "unused_decision"
      ? places.ofDecision(finding.decision ?? "", { ...finding, severity: "error" as const })
      : finding,
  );
}

/** A release that ships nothing would tell every device to remove everything. */
function nothingMade({ outputs, copies }: Pack): Finding[] {
  if (outputs.length + copies.length > 0) return [];
  return [
    {
      code: "pack_makes_nothing",
      severity: "error",
      message: "No file of the pack is shipped: it has no template and no other file in templates/.",
      action: "Put a template there, for example templates/web.container.j2.",
      place: { file: "templates", line: 1, column: 1 },
    },
  ];
}

/** Not even the empty configuration, or one with samples, is valid: then the schema says itself what is in the way. */
function emptyMatrix({ rows }: PairwiseMatrix, { schema }: ReadyPack, places: SourcePlaces): Finding[] {
  if (rows.length > 0) return [];
  const prepared = prepareWith(schema, {});
  const reasons = prepared.ok ? [] : prepared.error;
  return reasons.map((reason) =>
    places.ofDecision(reason.decision ?? "", {
      code: "matrix_empty",
      severity: "error",
      message: `No configuration could be tried, not even one that leaves all to the defaults: ${reason.message}`,
      action: 'Give the decision a "default" or "examples" with a value that the schema takes.',
      ...(reason.decision !== undefined && { decision: reason.decision }),
    }),
  );
}

/** A claim with exceptions names them. */
function matrixFindings({ pairs, covered, excluded }: PairwiseMatrix): Finding[] {
  const open = pairs - covered - excluded;
  if (open === 0) return [];
  return [
    {
      code: "matrix_incomplete",
      severity: "warning",
      message: `${open} of ${pairs} pairs of decisions were not tried: the matrix would need more rows than are rendered.`,
      action: "Depend decisions on each other by x-depends-on where they only matter together.",
    },
  ];
}

/** A row that a migration leaves on values which the new schema refuses is the migration's fault. Without one it is a breaking change. */
function refusedRows(
  refused: Finding[],
  { places, hasMigration }: { places: SourcePlaces; hasMigration: boolean },
): Finding[] {
  if (!hasMigration) return [];
  return refused.map((finding) => {
    const moved: Finding = {
      ...finding,
      code: "migration_leaves_invalid",
      severity: "error",
      message: `A configuration that was valid is not after the migration: ${finding.message}`,
      action: "Extend the migration, or ask for the value with a `require`.",
    };
    return finding.place ? moved : places.ofDecision(finding.decision ?? "", moved);
  });
}

/** No error: the release may be taken by whoever wants it, but by nobody automatically. */
function overpromised(compatibility: Compatibility, places: SourcePlaces): Finding[] {
  if (!compatibility.is_overpromising) return [];
  const { from, to, promised, deserved, changes, risks, renders } = compatibility;
  const worst = changes.filter(({ level }) => level === deserved);
  const because = [
    ...worst.map(({ message }) => message),
    ...risks,
    ...(renders.refused > 0
      ? [`${renders.refused} of ${renders.rows} tried configurations do not render any more.`]
      : []),
    ...(renders.needs_input > 0
      ? [`${renders.needs_input} of ${renders.rows} tried configurations need a value.`]
      : []),
  ];
  const finding: Finding = {
    code: "version_overpromises",
    severity: "warning",
    message: `${to} is a ${promised} step from ${from}, but its changes ask for a ${deserved} one: ${because.slice(0, 5).join(" ")}`,
    action: `Release it as a ${deserved} version. As it is, no configuration takes it automatically.`,
    ...(worst[0] && { decision: worst[0].decision }),
  };
  return [worst[0] ? places.ofDecision(worst[0].decision, finding) : places.at("schema.json", "", finding)];
}
