import type { Finding } from "#core/finding.ts";
import { runChecks } from "#quadlet/checks/run-checks.ts";
import { loadUnits, type BundleFile, type LoadedBundle } from "#quadlet/load-units.ts";
import { PODMAN_TARGET_DEFAULT } from "#quadlet/podman-version.ts";
import { withExcerpts } from "#quadlet/with-excerpts.ts";

export type CheckOptions = { readonly podmanTarget?: string };

/** By file, line and column; findings without a place come first. */
export function compareFindings(a: Finding, b: Finding): number {
  const left = a.place ?? { file: "", line: 0, column: 0 };
  const right = b.place ?? { file: "", line: 0, column: 0 };
  if (left.file !== right.file) return left.file < right.file ? -1 : 1;
  return left.line - right.line || left.column - right.column || (a.code < b.code ? -1 : Number(a.code > b.code));
}

/**
 * Everything wrong with a bundle on the Podman that will run it: all files and all rules at once, sorted by place. An error
 * means that a unit will certainly not start, or not as written; a warning that it may surprise. Pure, and never throws.
 */
export function checkUnits(files: readonly BundleFile[], options: CheckOptions = {}): Finding[] {
  return checkBundle(loadUnits(files, options.podmanTarget ?? PODMAN_TARGET_DEFAULT));
}

/** The same for a bundle that is already loaded. */
export function checkBundle(bundle: LoadedBundle): Finding[] {
  const findings = runChecks(bundle).toSorted(compareFindings);
  return findings.length === 0 ? findings : withExcerpts(findings, bundle.texts);
}
