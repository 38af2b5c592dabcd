import type { Finding } from "#core/finding.ts";
import type { Pack } from "#core/pack.ts";
import { type Result, ok } from "#core/result.ts";
import { type ExaminedPack } from "#registry/admission/examine-pack.ts";
import { rendererOf } from "../fixtures/render-case.ts";
import { printFindings } from "./print-findings.ts";
import { readPackFolder } from "./read-input.ts";
import { usageError } from "./usage-error.ts";

/** A pack's folder, compiled, under the version that its author says it will have. */
export function readExamined(folder: string, version: string): Result<ExaminedPack, Finding[]> {
  const pack = readPackFolder(folder);
  return pack.ok ? compiledAs({ ...pack.value, version }) : pack;
}

function compiledAs(pack: Pack): Result<ExaminedPack, Finding[]> {
  const made = rendererOf(pack);
  if (!made.ok) return made;
  return ok({ version: pack.version, pack: { compiled: made.value.templates, schema: made.value.schema } });
}

/** Reads a pack that must compile; its findings are printed, and `null` says that the command ends with 1. */
export function readOrReport(
  folder: string,
  { version, json }: { version: string; json?: boolean | undefined },
): ExaminedPack | null {
  const read = readExamined(folder, version);
  if (read.ok) return read.value;
  reportFindings(read.error, json);
  return null;
}

export function reportFindings(findings: readonly Finding[], json: boolean | undefined): void {
  if (json) for (const finding of findings) console.log(JSON.stringify(finding));
  else if (findings.length > 0) printFindings(findings);
}

/** `v1.2.0`, as a release's tag. */
export function versionOption(text: string, option: string): string {
  if (!/^v\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/.test(text))
    throw usageError(`${option} takes a tag like v1.2.0, not ${text}`);
  return text;
}
