import type { Finding } from "#core/finding.ts";
import { runChecks } from "#quadlet/checks/run-checks.ts";
import { loadUnits, type BundleFile, type LoadedBundle } from "#quadlet/load-units.ts";
import { PODMAN_TARGET_DEFAULT } from "#quadlet/podman-version.ts";

export type CheckOptions = { readonly podmanTarget?: string };

/** The line of the finding with its neighbours, so that it can be read without opening the file. */
function excerptOf(lines: readonly string[], line: number): NonNullable<Finding["excerpt"]> {
  const numbers = [line - 1, line, line + 1].filter((number) => number >= 1 && number <= lines.length);
  return numbers.map((number) => ({ number, text: (lines[number - 1] ?? "").replace(/\r$/, "") }));
}

const lineKey = (file: string, line: number) => `${line} ${file}`;

function compareFindings(a: Finding, b: Finding): number {
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

/** A line that holds a secret appears in no excerpt, not even as the neighbour of another finding's line. */
function withExcerpts(findings: readonly Finding[], texts: ReadonlyMap<string, string>): Finding[] {
  const secrets = findings.filter((finding) => finding.code === "literal_secret");
  const hidden = new Set(secrets.map(({ place }) => (place ? lineKey(place.file, place.line) : "")));
  const linesOf = new Map<string, readonly string[]>();
  return findings.map((finding) => {
    const { place } = finding;
    if (place === undefined) return finding;
    const lines = linesOf.get(place.file) ?? (texts.get(place.file) ?? "").split("\n");
    linesOf.set(place.file, lines);
    const excerpt = excerptOf(lines, place.line).map((line) =>
      hidden.has(lineKey(place.file, line.number)) ? { ...line, text: "[a line with a secret]" } : line,
    );
    return { ...finding, excerpt };
  });
}
