import { fileType, type FileType } from "#core/manifest.ts";
import { type Mask, type Range, maskRanges } from "#core/mask.ts";
import { checkUnits } from "#quadlet/check-units.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { type RenderSubject, sensitiveOutputs } from "#registry/make-render.ts";
import { renderDecisions } from "#registry/render-decisions.ts";
import type { Provenance } from "#render/trace/provenance.ts";

/** One file: `text` as it is shipped, for plans and comparisons, `shown` as people see it. */
export type ShownFile = {
  filename: string;
  type: FileType;
  size: number;
  /** Of the bytes that are shipped, not of what is shown. */
  sha256: string;
  bytes: Uint8Array;
  text: string;
  shown: string;
  isMasked: boolean;
};

export type ShownRender = { files: ShownFile[]; origins: Provenance | null; podmanTarget: string };

export type FileToShow = { filename: string; bytes: Uint8Array; sha256: string };

type Showing = {
  /** What the files were made from; null for an upload, which nothing made. */
  madeFrom: { pack: ReadyPack; subject: RenderSubject } | null;
  podmanTarget: string;
  mask: Mask;
  /** Nothing of any file may be shown: nobody knows what holds sensitive values. */
  isOpaque?: boolean;
};

/**
 * Files as they may be shown: what holds a value of a decision marked `x-sensitive`, or was computed from one, is masked, and
 * so is the value of an Environment= that holds a secret in plain text. The decisions are rendered once more, traced, to know
 * where such values stand. Where that gives another text (the files were made by another engine version), no line of a
 * file that may hold them is shown.
 */
export async function showRender(
  files: readonly FileToShow[],
  { madeFrom, podmanTarget, mask, isOpaque }: Showing,
): Promise<ShownRender> {
  const texts = files.map(({ filename, bytes }) => ({ filename, text: new TextDecoder().decode(bytes) }));
  const traced = madeFrom && renderDecisions(madeFrom.pack, madeFrom.subject, { provenance: true });
  const origins = traced?.ok === true ? (traced.value.provenance ?? null) : null;
  const marks = traced?.ok === true ? traced.value.marks : { sensitive: [] };
  const sensitive = madeFrom ? sensitiveOutputs(madeFrom.pack) : new Set<string>();
  const literals = literalSecrets(texts, podmanTarget);
  const shown = files.map(async ({ filename, bytes, sha256 }, index): Promise<ShownFile> => {
    const text = texts[index]?.text ?? "";
    const isSame = origins?.textOf(filename) === text;
    const maybe = sensitive.has(filename);
    const ofDecisions = maybe && isSame ? (origins?.rangesOf(filename, marks.sensitive) ?? []) : [];
    if (isOpaque === true || (maybe && !isSame)) ofDecisions.push({ start: 0, end: text.length });
    const ranges = joined([...ofDecisions, ...(literals.get(filename) ?? [])]);
    const facts = { filename, type: fileType(filename), size: bytes.byteLength, sha256, bytes, text };
    return { ...facts, shown: await maskRanges(text, ranges, mask), isMasked: ranges.length > 0 };
  });
  return { files: await Promise.all(shown), origins, podmanTarget };
}

/** Where units hold secrets in plain text, by file: from the value to the end of the line. */
function literalSecrets(texts: readonly { filename: string; text: string }[], podmanTarget: string) {
  const ranges = new Map<string, Range[]>();
  for (const { code, place } of checkUnits(texts, { podmanTarget })) {
    if (code !== "literal_secret" || !place) continue;
    const text = texts.find(({ filename }) => filename === place.file)?.text ?? "";
    let lineStart = 0;
    for (let line = 1; line < place.line; line++) lineStart = text.indexOf("\n", lineStart) + 1;
    const lineEnd = text.indexOf("\n", lineStart);
    const end = lineEnd === -1 ? text.length : lineEnd;
    const equals = text.indexOf("=", lineStart + place.column - 1);
    const start = equals === -1 || equals >= end ? lineStart : equals + 1;
    if (start < end) ranges.set(place.file, [...(ranges.get(place.file) ?? []), { start, end }]);
  }
  return ranges;
}

/** Ranges sorted, and those that touch made one. */
function joined(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}
