import { type Finding, hasErrors } from "#core/finding.ts";
import { checkPrinted, type PrintedSpan } from "#quadlet/check-printed.ts";
import { checkUnits, compareFindings } from "#quadlet/check-units.ts";
import { downLevel } from "#quadlet/down-level.ts";
import type { BundleFile } from "#quadlet/load-units.ts";
import { withExcerpts } from "#quadlet/with-excerpts.ts";

/** `downLevels`: keys that the target lacks may be written as `PodmanArgs=`; false leaves them to `key_too_new`. */
export type JudgeOptions = { readonly podmanTarget: string; readonly downLevels: boolean };

/** An output of a render: `printed` are the offsets of values in its text that must be held against the kind of their key. */
export type JudgedFile = BundleFile & { readonly printed?: readonly PrintedSpan[] };

export type JudgedUnits<File> = {
  /** What is to be shipped: the same files, some of them with keys written for the older Podman. Line numbers are the same. */
  readonly files: readonly File[];
  /** Errors first, each kind in the order of files and lines. */
  readonly findings: readonly Finding[];
};

/**
 * All that stands between a render and its shipment: what templates printed, what the target's Podman does not know and can be told
 * otherwise, and every check of the result. Pure: the job, leger-pack and a question about another Podman get the same answer.
 */
export function judgeUnits<File extends JudgedFile>(
  files: readonly File[],
  { podmanTarget, downLevels }: JudgeOptions,
): JudgedUnits<File> {
  // Before anything is rewritten: the spans are offsets into what the templates wrote.
  const printed = files.flatMap(({ filename, text, printed: spans }) => checkPrinted(filename, text, spans ?? []));
  const levelled = downLevels ? downLevel(files, podmanTarget) : { files, findings: [] };
  const texts = new Map(levelled.files.map(({ filename, text }) => [filename, text]));
  const shipped = files.map((file) => {
    const text = texts.get(file.filename) ?? file.text;
    return text === file.text ? file : { ...file, text };
  });
  const checked = checkUnits(shipped, { podmanTarget });
  const added = [...printed, ...levelled.findings];
  if (added.length === 0) return { files: shipped, findings: errorsFirst(checked) };
  const sorted = [...checked, ...added].toSorted(compareFindings);
  return { files: shipped, findings: errorsFirst(withExcerpts(sorted, texts)) };
}

/** A list that is cut, or of which only the first is shown, must not lose its errors. */
const errorsFirst = (findings: readonly Finding[]): readonly Finding[] =>
  hasErrors(findings)
    ? findings.toSorted((a, b) => Number(a.severity !== "error") - Number(b.severity !== "error"))
    : findings;
