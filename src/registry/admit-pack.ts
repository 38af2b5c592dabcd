import type { Compatibility } from "#core/compatibility/compatibility.ts";
import { compileDecisionSchema } from "#core/decision-schema.ts";
import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { type Json, type JsonObject, canonicalJson } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { packFromTree } from "#core/pack-tree.ts";
import { type ExaminedPack, type Examination, examinePack } from "#registry/admission/examine-pack.ts";
import { type Measure, unmeasured } from "#registry/admission/phase.ts";
import type { ReadyPack } from "#registry/caches.ts";
import { analyzePack } from "#render/analyze-pack.ts";
import { type CompiledPack, compilePack } from "#render/compile-pack.ts";

/** What came of one release's files: `pack` and its exact text where they could be read, and what was found. */
export type Admission = {
  status: "ready" | "quarantined";
  report: Finding[];
  pack: Pack | null;
  /** Canonical JSON of the pack, as R2 stores it, and its SHA-256: the pack's digest. */
  text: string;
  digest: string;
  templateManifest: JsonObject;
  /** Compiled, for whoever goes on with it; null where it does not compile. */
  ready: ReadyPack | null;
  /** Against the version before it; null where there is none, or where it was not examined. */
  compatibility: Compatibility | null;
  matrix: Examination["matrix"] | null;
};

/**
 * The first half of admission: reads, parses and compiles everything in a release. Findings make it `quarantined`: nobody can choose
 * it. `examined` is the second half.
 */
export async function admitPack(
  files: ReadonlyMap<string, Uint8Array>,
  identity: { pack: string; version: string; notes: string },
  measure: Measure = unmeasured,
): Promise<Admission> {
  measure("parse");
  const pack = packFromTree(files, { pack: identity.pack, version: identity.version });
  if (!pack.ok) return quarantined(pack.error);
  const text = canonicalJson(pack.value as unknown as Json);
  const digest = await sha256Hex(text);
  const compiled = compilePack(pack.value);
  if (!compiled.ok) return { ...quarantined(compiled.error), pack: pack.value, text, digest };
  measure("schema");
  const schema = compileDecisionSchema(pack.value.schema);
  if (!schema.ok) return { ...quarantined(schema.error), pack: pack.value, text, digest };
  measure("analysis");
  return {
    ...quarantined([]),
    pack: pack.value,
    text,
    digest,
    templateManifest: await templateManifest(compiled.value, identity.notes),
    ready: { compiled: compiled.value, schema: schema.value },
  };
}

/** The second half, for what compiles: everything that only rendering and comparing can tell. */
export function examined(
  admission: Admission,
  of: { version: string; previous: ExaminedPack | null; measure?: Measure },
): Admission {
  if (admission.ready === null) return admission;
  const examination = examinePack({ version: of.version, pack: admission.ready }, of);
  const report = examination.findings.slice(0, FINDINGS_MAX);
  return {
    ...admission,
    status: hasErrors(examination.findings) ? "quarantined" : "ready",
    report,
    matrix: examination.matrix,
    compatibility: examination.compatibility,
    templateManifest: {
      ...admission.templateManifest,
      breaking_changes: examination.compatibility?.deserved === "major",
    },
  };
}

/** Enough to mend a pack by; a row of D1 holds 2 MB. */
const FINDINGS_MAX = 200;

export const quarantined = (report: Finding[]): Admission => ({
  status: hasErrors(report) ? "quarantined" : "ready",
  report,
  pack: null,
  text: "",
  digest: "",
  templateManifest: { templates: [], version_notes: "", breaking_changes: false },
  ready: null,
  compatibility: null,
  matrix: null,
});

/** Document 000's `template_manifest`, derived from the pack itself: what an author would declare can be wrong. */
async function templateManifest(compiled: CompiledPack, notes: string): Promise<JsonObject> {
  const { pack } = compiled;
  const { variables } = analyzePack(compiled);
  const templates = await Promise.all(
    pack.outputs.map(async ({ template }) => ({
      name: template.slice(template.lastIndexOf("/") + 1),
      path: template,
      variables: [...(variables[template] ?? [])],
      checksum: `sha256:${await sha256Hex(pack.files[template] ?? "")}`,
    })),
  );
  return { templates, version_notes: notes, breaking_changes: false };
}
