import { Command } from "commander";
import { hasErrors } from "#core/finding.ts";
import { examinePack } from "#registry/admission/examine-pack.ts";
import type { Phase } from "#registry/admission/phase.ts";
import { cpuMs } from "../cpu-ms.ts";
import { readOrReport, reportFindings, versionOption } from "./pack-options.ts";

type Options = { version: string; previous?: string; previousVersion: string; json?: true };

export const checkCommand = (exit: (code: number) => void) =>
  new Command("check")
    .description("Examine a pack as the registry will: every finding that would quarantine it, before you release it.")
    .argument("<pack>", "folder of the pack")
    .option("--version <tag>", "the tag that the release will have", "v0.0.0")
    .option("--previous <folder>", "the release before it, to compare with")
    .option("--previous-version <tag>", "that one's tag", "v0.0.0")
    .option("--json", "findings as JSON lines, then one line with the figures")
    .action((folder: string, options: Options) => exit(run(folder, options)));

function run(folder: string, options: Options): number {
  const version = versionOption(options.version, "--version");
  const newer = readOrReport(folder, { version, json: options.json });
  if (!newer) return 1;
  const previousVersion = versionOption(options.previousVersion, "--previous-version");
  const previous =
    options.previous === undefined
      ? null
      : readOrReport(options.previous, { version: previousVersion, json: options.json });
  if (options.previous !== undefined && !previous) return 1;
  const stopwatch = phaseTimes();
  const { findings, matrix, compatibility } = examinePack(newer, { previous, measure: stopwatch.begin });
  const phases = stopwatch.end();
  reportFindings(findings, options.json);
  if (options.json) console.log(JSON.stringify({ matrix, compatibility, phases_cpu_ms: phases }));
  else {
    console.log(
      `matrix: ${matrix.rows} rows cover ${matrix.covered} of ${matrix.pairs} pairs of ${matrix.factors} decisions`,
    );
    if (compatibility)
      console.log(
        `${compatibility.from} -> ${compatibility.to}: ${compatibility.class}, devices: ${compatibility.effect}; deserves a ${compatibility.deserved} step, takes a ${compatibility.promised} one`,
      );
    console.log(
      `CPU: ${Object.entries(phases)
        .map(([phase, ms]) => `${phase} ${ms} ms`)
        .join(", ")}`,
    );
    console.log(hasErrors(findings) ? "It would be quarantined." : "It would be ready.");
  }
  return hasErrors(findings) ? 1 : 0;
}

/** CPU time per phase, in whole milliseconds: what a Worker is billed for and limited by. */
function phaseTimes() {
  const times: Record<string, number> = {};
  let current: { phase: Phase; since: number } | null = null;
  const close = () => {
    if (current) times[current.phase] = (times[current.phase] ?? 0) + cpuMs() - current.since;
  };
  return {
    begin: (phase: Phase) => {
      close();
      current = { phase, since: cpuMs() };
    },
    end: () => {
      close();
      return Object.fromEntries(Object.entries(times).map(([phase, ms]) => [phase, Math.round(ms)]));
    },
  };
}
