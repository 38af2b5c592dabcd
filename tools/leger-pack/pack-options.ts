import path from "node:path";
import type { Finding } from "#core/finding.ts";
import type { Pack } from "#core/pack.ts";
import { isVersionTag } from "#core/release-decision.ts";
import { type Result, ok } from "#core/result.ts";
import { type ExaminedPack } from "#registry/admission/examine-pack.ts";
import { rendererOf } from "../fixtures/render-case.ts";
import { printFindings } from "./print-findings.ts";
import { readPackFolder } from "./pack-folder.ts";
import { fromHere } from "./read-input.ts";
import { usageError } from "./usage-error.ts";

/** A pack's folder, compiled, under the version that its author says it will have. */
function readExamined(folder: string, version: string): Result<ExaminedPack, Finding[]> {
  const pack = readPackFolder(folder, version);
  return pack.ok ? compiledAs(pack.value) : pack;
}

function compiledAs(pack: Pack): Result<ExaminedPack, Finding[]> {
  const made = rendererOf(pack);
  if (!made.ok) return made;
  return ok({ version: pack.version, pack: { compiled: made.value.templates, schema: made.value.schema } });
}

/**
 * Reads a pack that must compile; its findings are printed, and `null` says that the command ends with 1. `isOneOfTwo`: places begin
 * with the folder then, since both packs have a schema.json.
 */
export function readOrReport(
  folder: string,
  { version, json, isOneOfTwo = false }: { version: string; json?: boolean | undefined; isOneOfTwo?: boolean },
): ExaminedPack | null {
  const read = readExamined(folder, version);
  if (read.ok) return read.value;
  const within = (finding: Finding): Finding =>
    finding.place ? { ...finding, place: { ...finding.place, file: path.join(folder, finding.place.file) } } : finding;
  reportFindings(isOneOfTwo ? read.error.map(within) : read.error, json);
  return null;
}

export function reportFindings(findings: readonly Finding[], json: boolean | undefined): void {
  if (json) for (const finding of findings) console.log(JSON.stringify(finding));
  else if (findings.length > 0) printFindings(findings);
}

/** Reads an option that is a release's tag, such as `v1.2.0`. */
export function versionOption(text: string, option: string): string {
  if (!isVersionTag(text)) throw usageError(`${option} takes a tag like v1.2.0 or v2.0.0-rc.1, not ${text}`);
  return text;
}

/** The version of a pack's folder: as an option says, or the folder's name where that is a tag, as in templates-fixtures. */
export function versionOf(
  folder: string,
  { given, option }: { given: string | undefined; option: string },
): string | null {
  if (given !== undefined) return versionOption(given, option);
  const names = [fromHere(folder), path.dirname(fromHere(folder))].map((one) => path.basename(one));
  return names.find((name, index) => isVersionTag(name) && (index === 0 || names[0] === "pack")) ?? null;
}

/** `1 row`, `2 rows`. */
export const counted = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`;
