import { structuredPatch } from "diff";
import { LIMITS } from "#core/limits.ts";

/** Lines (from 1) that only one side has. */
export type ChangedLines = { removed: number[]; added: number[] };

/**
 * What changed in one file, as a unified diff with three lines of context. `is_minimal` is false where finding the
 * shortest one would cost too much: then every old line is removed and every new one added, which is also true.
 */
export type TextDiff = ChangedLines & {
  filename: string;
  change: "added" | "removed" | "changed";
  unified: string;
  is_minimal: boolean;
};

/** What is left of the work that all diffs of one answer may cost together: finding n edits takes about n squared steps. */
export type DiffBudget = { steps: number };
export const newDiffBudget = (): DiffBudget => ({ steps: LIMITS.diff_edits_max.value ** 2 });

type Sides = { before: string | null; after: string | null };

/** The diff of two texts; null for a file that a side does not have. Equal texts give null. */
export function diffTexts(filename: string, { before, after }: Sides, budget: DiffBudget): TextDiff | null {
  if (before === after) return null;
  if (before === null || after === null) return replaced(filename, { before, after }, true);
  const maxEditLength = Math.floor(Math.sqrt(budget.steps));
  const patch = structuredPatch(filename, filename, before, after, undefined, undefined, { context: 3, maxEditLength });
  if (!patch) {
    budget.steps = 0;
    return replaced(filename, { before, after }, false);
  }
  const changed: ChangedLines = { removed: [], added: [] };
  const lines = patch.hunks.flatMap((hunk) => {
    let [oldLine, newLine] = [hunk.oldStart, hunk.newStart];
    for (const line of hunk.lines) {
      if (line.startsWith("-")) changed.removed.push(oldLine++);
      else if (line.startsWith("+")) changed.added.push(newLine++);
      else if (!line.startsWith("\\")) [oldLine, newLine] = [oldLine + 1, newLine + 1];
    }
    return [hunkHeader(hunk), ...hunk.lines];
  });
  budget.steps = Math.max(0, budget.steps - (changed.removed.length + changed.added.length) ** 2);
  return { filename, change: "changed", unified: unified(filename, lines, "changed"), is_minimal: true, ...changed };
}

type Hunk = { oldStart: number; oldLines: number; newStart: number; newLines: number };
const hunkHeader = (hunk: Hunk) => `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`;

function unified(filename: string, lines: readonly string[], change: TextDiff["change"]): string {
  const [from, to] = [
    change === "added" ? "/dev/null" : `a/${filename}`,
    change === "removed" ? "/dev/null" : `b/${filename}`,
  ];
  return `${[`--- ${from}`, `+++ ${to}`, ...lines].join("\n")}\n`;
}

function replaced(filename: string, { before, after }: Sides, isMinimal: boolean): TextDiff {
  const [old, young] = [linesOf(before), linesOf(after)];
  const change = before === null ? "added" : after === null ? "removed" : "changed";
  const lines = [
    hunkHeader({
      oldStart: old.length === 0 ? 0 : 1,
      oldLines: old.length,
      newStart: young.length === 0 ? 0 : 1,
      newLines: young.length,
    }),
    ...marked("-", old, before),
    ...marked("+", young, after),
  ];
  return {
    filename,
    change,
    unified: unified(filename, old.length + young.length === 0 ? [] : lines, change),
    is_minimal: isMinimal,
    removed: old.map((_, index) => index + 1),
    added: young.map((_, index) => index + 1),
  };
}

function linesOf(text: string | null): string[] {
  if (text === null || text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

function marked(mark: string, lines: readonly string[], text: string | null): string[] {
  const result = lines.map((line) => mark + line);
  return lines.length > 0 && text?.endsWith("\n") === false ? [...result, "\\ No newline at end of file"] : result;
}
