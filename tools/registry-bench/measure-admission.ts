import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AdmissionRun } from "./admit-once.ts";

/** The middle one of several first admissions, each in a process of its own. Throws where two of them found different things. */
export function measureAdmission(of: { older: string; newer: string; rounds: number }): AdmissionRun {
  const script = path.join(import.meta.dirname, "admit-once.ts");
  const directory = mkdtempSync(path.join(tmpdir(), "leger-admission-"));
  const stored = path.join(directory, "previous.json");
  writeFileSync(stored, execFileSync(process.execPath, [script, of.older]));
  const runs = Array.from({ length: of.rounds }, () => {
    const output = execFileSync(process.execPath, [script, of.newer, stored], { encoding: "utf8" });
    return JSON.parse(output) as AdmissionRun;
  }).toSorted((a, b) => a.total_ms - b.total_ms);
  rmSync(directory, { recursive: true });
  if (new Set(runs.map(({ findings_sha256 }) => findings_sha256)).size > 1)
    throw new Error(`two admissions of ${of.newer} found different things`);
  const middle = runs[Math.floor(runs.length / 2)];
  if (!middle) throw new Error("no round was asked for");
  return middle;
}
