import {
  type Compatibility,
  type RenderCounts,
  type RenderEffect,
  judgeCompatibility,
} from "#core/compatibility/compatibility.ts";
import type { SchemaChange } from "#core/compatibility/schema-change.ts";
import { schemaChanges } from "#core/compatibility/schema-changes.ts";
import type { Finding } from "#core/finding.ts";
import { type MigrationPath, renamesOf } from "#core/migration/migrate.ts";
import { type LoadedBundle, loadUnits } from "#quadlet/load-units.ts";
import type { Plan } from "#quadlet/plan/plan.ts";
import { planBundles } from "#quadlet/plan/plan-between.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { type MigratedRow, migrateRow } from "#registry/admission/check-migrations.ts";
import type { RenderedRow } from "#registry/admission/run-matrix.ts";
import { guarded } from "#registry/render-decisions.ts";
import { renderPack } from "#render/render-pack.ts";

type Side = { version: string; pack: ReadyPack };

/** What a device does when it goes from one bundle to the other, in one word. */
export function effectOf(before: LoadedBundle, after: LoadedBundle): { effect: RenderEffect; plan: Plan | null } {
  if (isSame(before, after)) return { effect: "identical", plan: null };
  const plan = planBundles(before, after);
  const has = (...actions: string[]) => plan.steps.some(({ action }) => actions.includes(action));
  if (plan.risks.length > 0) return { effect: "data_risk", plan };
  if (has("recreate_network", "remove")) return { effect: "recreate", plan };
  return { effect: has("stop", "start", "restart") ? "restart" : "changed", plan };
}

const isSame = (a: LoadedBundle, b: LoadedBundle) =>
  a.files.length === b.files.length && a.files.every(({ filename, text }) => b.texts.get(filename) === text);

const RISKS_MAX = 20;

/**
 * How `newer` follows `older`: from the two schemas, and from what every row of the older matrix becomes and renders to. `findings`
 * are rows that the migration leaves on values which the newer schema refuses.
 */
export function comparePacks({
  older,
  newer,
  rows,
  path,
}: {
  older: Side;
  newer: Side;
  rows: readonly RenderedRow[];
  path: MigrationPath;
}): { compatibility: Compatibility; refused: Finding[] } {
  const changes: SchemaChange[] = schemaChanges({
    older: older.pack.schema,
    newer: newer.pack.schema,
    renames: renamesOf(path),
  });
  changes.push(...podmanChange(older.pack, newer.pack));
  const renders: RenderCounts = {
    rows: 0,
    identical: 0,
    changed: 0,
    restart: 0,
    recreate: 0,
    data_risk: 0,
    needs_input: 0,
    refused: 0,
  };
  const risks = new Set<string>();
  const inputs = new Map<string, string>();
  const refused = new Map<string, Finding>();
  for (const { row, bundle } of rows) {
    if (bundle === null) continue;
    renders.rows++;
    const judged = judgeRow(newer.pack, {
      migrated: migrateRow(path, newer.pack.schema, row.configData),
      before: bundle,
    });
    renders[judged.kind]++;
    for (const { text } of judged.plan?.risks ?? []) risks.add(text);
    for (const { decision, message } of judged.missing ?? []) inputs.set(decision, message);
    for (const finding of judged.findings ?? [])
      refused.set(`${finding.code} ${finding.decision} ${finding.message}`, finding);
  }
  const compatibility = judgeCompatibility({
    from: older.version,
    to: newer.version,
    changes,
    renders,
    risks: [...risks].slice(0, RISKS_MAX),
    inputs: [...inputs].map(([decision, message]) => ({ decision, message })),
    hasMigration: path.steps.length > 0,
  });
  return { compatibility, refused: [...refused.values()] };
}

type JudgedRow = {
  kind: RenderEffect | "needs_input" | "refused";
  plan?: Plan | null;
  missing?: { decision: string; message: string }[];
  findings?: Finding[];
};

function judgeRow(pack: ReadyPack, { migrated, before }: { migrated: MigratedRow; before: LoadedBundle }): JudgedRow {
  switch (migrated.kind) {
    case "needs_input":
      return { kind: "needs_input", missing: migrated.missing };
    case "refused":
      return { kind: "refused", findings: migrated.findings };
    case "migrated": {
      const { effective: decisions, marks } = migrated.prepared;
      const made = guarded(() => renderPack(pack.compiled, { decisions, deploymentName: "admission", marks }));
      if (!made.ok) return { kind: "refused", findings: made.error };
      const { effect, plan } = effectOf(before, loadUnits(made.value.files, before.podman, before));
      return { kind: effect, plan };
    }
  }
}

function podmanChange(older: ReadyPack, newer: ReadyPack): SchemaChange[] {
  const [before, after] = [older.compiled.pack.podman, newer.compiled.pack.podman];
  const order = (version: string) => version.split(".").reduce((sum, part) => sum * 1000 + Number(part), 0);
  const isNarrower =
    order(after.min) > order(before.min) ||
    (after.max !== null && (before.max === null || order(after.max) < order(before.max)));
  if (!isNarrower) return [];
  const message = `Podman ${after.min} to ${after.max ?? "the newest"} is needed; it was ${before.min} to ${before.max ?? "the newest"}.`;
  return [{ code: "podman_narrowed", decision: "", level: "major", message }];
}
