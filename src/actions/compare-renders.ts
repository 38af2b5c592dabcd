import type { ShownFile, ShownRender } from "#actions/shown-render.ts";
import { LIMITS } from "#core/limits.ts";
import { type TextDiff, diffTexts, newDiffBudget } from "#core/text-diff.ts";
import type { Plan } from "#quadlet/plan/plan.ts";
import { planBetween } from "#quadlet/plan/plan-between.ts";
import type { LineProvenance, Provenance } from "#render/trace/provenance.ts";

/** Where one changed line comes from: `old` lines as they were made then, `new` lines as they are made now. */
export type ChangedLine = LineProvenance & { side: "old" | "new"; line: number };
export type FileDiff = Omit<TextDiff, "removed" | "added"> & { origins: ChangedLine[]; origins_complete: boolean };
export type Comparison = { files: FileDiff[]; plan: Plan };

const NOTHING: ShownRender = { files: [], origins: null, podmanTarget: "" };

/**
 * What differs between two renders: unified diffs over the masked texts, and what a device does when it goes from one to the
 * other. `old` null: nothing is installed; `next` null: a deletion. A file whose bytes differ while its masked text does not
 * cannot be: a mask stands for its value.
 */
export function compareRenders(old: ShownRender | null, next: ShownRender | null): Comparison {
  const [before, after] = [byName(old ?? NOTHING), byName(next ?? NOTHING)];
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const budget = newDiffBudget();
  const left = { lines: LIMITS.diff_origins_max.value };
  const files = names.flatMap((filename) => {
    const [from, to] = [before.get(filename), after.get(filename)];
    const diff = diffTexts(filename, { before: from?.shown ?? null, after: to?.shown ?? null }, budget);
    if (!diff) return [];
    const { removed, added, ...shown } = diff;
    const sides = [
      { side: "old" as const, lines: removed, origins: originsFor(old?.origins, from) },
      { side: "new" as const, lines: added, origins: originsFor(next?.origins, to) },
    ];
    return [{ ...shown, ...lineOrigins(sides, left) }];
  });
  const newPodman = next?.podmanTarget ?? old?.podmanTarget;
  const plan = planBetween(old && old.files, next?.files ?? [], {
    ...(newPodman !== undefined && { newPodman }),
    ...(old && { oldPodman: old.podmanTarget }),
  });
  return { files, plan };
}

const byName = ({ files }: ShownRender) => new Map(files.map((file) => [file.filename, file]));

/** Lines of a file, where the traced render is the one that was shipped. */
const originsFor = (origins: Provenance | null | undefined, file: ShownFile | undefined) =>
  origins && file && origins.textOf(file.filename) === file.text ? origins.linesOf(file.filename) : [];

type Side = { side: "old" | "new"; lines: readonly number[]; origins: readonly LineProvenance[] };

/** Origins of the changed lines, as many as are left to this answer. */
export function lineOrigins(
  sides: readonly Side[],
  left: { lines: number },
): { origins: ChangedLine[]; origins_complete: boolean } {
  const origins: ChangedLine[] = [];
  for (const { side, lines, origins: known } of sides)
    for (const line of lines) {
      const origin = known[line - 1];
      if (!origin) continue;
      if (left.lines === 0) return { origins, origins_complete: false };
      left.lines--;
      origins.push({ side, line, ...origin });
    }
  return { origins, origins_complete: true };
}
