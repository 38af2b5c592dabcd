import { Command } from "commander";
import semver from "semver";
import { hasErrors } from "#core/finding.ts";
import { type Examination, examinePack } from "#registry/admission/examine-pack.ts";
import type { Phase } from "#registry/admission/phase.ts";
import { cpuMs } from "../cpu-ms.ts";
import { counted, readOrReport, reportFindings, versionOf } from "./pack-options.ts";
import { usageError } from "./usage-error.ts";

type Options = { version?: string; previous?: string; previousVersion?: string; json?: true };

export const checkCommand = (exit: (code: number) => void) =>
  new Command("check")
    .description("Examine a pack as the registry will: every finding that would quarantine it, before you release it.")
    .argument("<pack>", "folder of the pack")
    .option("--version <tag>", "the tag that the release will have; a folder called v1.2.0 needs none")
    .option("--previous <folder>", "the release before it, to compare with and to migrate from")
    .option("--previous-version <tag>", "that one's tag; a folder called v1.2.0 needs none")
    .option("--json", "findings as JSON lines; then, if the pack compiles, {matrix, compatibility, phases_cpu_ms}")
    .addHelpText(
      "after",
      `
Errors quarantine a release: nobody can choose it. Warnings are shown with it.
Exit code 1: it would be quarantined.
Example: leger-pack check new --version v1.1.0 --previous old --previous-version v1.0.0`,
    )
    .action((folder: string, options: Options) => exit(run(folder, options)));

function run(folder: string, options: Options): number {
  const { version, previousVersion } = versionsOf(folder, options);
  const newer = readOrReport(folder, { version, json: options.json });
  if (!newer) return 1;
  const previous =
    options.previous === undefined
      ? null
      : readOrReport(options.previous, { version: previousVersion, json: options.json, isOneOfTwo: true });
  if (options.previous !== undefined && !previous) return 1;
  const stopwatch = phaseTimes();
  const { findings, matrix, compatibility } = examinePack(newer, { previous, measure: stopwatch.begin });
  const phases = stopwatch.end();
  reportFindings(findings, options.json);
  if (options.json) console.log(JSON.stringify({ matrix, compatibility, phases_cpu_ms: phases }));
  else printFigures({ matrix, compatibility, phases, isRefused: hasErrors(findings) });
  return hasErrors(findings) ? 1 : 0;
}

/** Migrations and promises go by versions: with a release to compare with, both must be known. */
function versionsOf(folder: string, options: Options): { version: string; previousVersion: string } {
  const version = versionOf(folder, { given: options.version, option: "--version" });
  const { previous, previousVersion: given } = options;
  if (previous === undefined) {
    if (given !== undefined)
      throw usageError("--previous-version says the tag of --previous <folder>, which is missing");
    return { version: version ?? "v0.0.0", previousVersion: "v0.0.0" };
  }
  const previousVersion = versionOf(previous, { given, option: "--previous-version" });
  if (version === null || previousVersion === null)
    throw usageError(
      `--previous needs both tags: ${version === null ? "--version" : "--previous-version"} <tag> is missing`,
    );
  if (!semver.gt(version, previousVersion)) throw usageError(`${version} does not come after ${previousVersion}`);
  return { version, previousVersion };
}

function printFigures({
  matrix,
  compatibility,
  phases,
  isRefused,
}: Omit<Examination, "findings"> & { phases: Record<string, number>; isRefused: boolean }): void {
  const { rows, covered, pairs, factors } = matrix;
  console.log(
    `matrix: ${counted(rows, "row")} rendered, for ${covered} of ${counted(pairs, "pair")} of values of ${counted(factors, "decision")}`,
  );
  if (compatibility) {
    const { from, to, class: kind, effect, deserved, promised } = compatibility;
    console.log(
      `${from} -> ${to}: ${kind}; on devices: ${effect}; deserves a ${deserved} step and takes a ${promised} one`,
    );
  }
  const times = Object.entries(phases).map(([phase, ms]) => `${phase} ${ms} ms`);
  console.log(`CPU: ${times.join(", ")}`);
  console.log(isRefused ? "It would be quarantined." : "It would be ready.");
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
