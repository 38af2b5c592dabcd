import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { writePrivately } from "../settings.ts";
import { ApplyStep } from "./plan-apply.ts";

/**
 * What a run set out to do, written before the first step and after each: a killed run is finished by the next one. Which
 * release is in place is never read from here, but from the link.
 */
export const Journal = z.object({
  format: z.literal(1),
  /** Folder of the release that was to be installed; null for a removal. */
  next: z.string().nullable(),
  steps: z.array(ApplyStep.extend({ isDone: z.boolean() })),
});
export type Journal = z.infer<typeof Journal>;

const journalFile = (root: string) => path.join(root, "journal.json");

export function readJournal(root: string): Journal | null {
  const file = journalFile(root);
  if (!existsSync(file)) return null;
  try {
    return Journal.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    return null; // it is replaced in one step, so this is no run's doing: nothing is known to be owed
  }
}

export const writeJournal = (root: string, journal: Journal) =>
  writePrivately(journalFile(root), `${JSON.stringify(journal, null, 2)}\n`);
export const removeJournal = (root: string) => rmSync(journalFile(root), { force: true });
