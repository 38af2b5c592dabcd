import { sha256Hex } from "#core/digest.ts";
import { type Finding, hasErrors } from "#core/finding.ts";
import { type Json, type JsonObject, canonicalJson } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { packFromTree } from "#core/pack-tree.ts";
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
};

/** Reads, parses and compiles everything in a release. Findings make it `quarantined`: nobody can choose it. */
export async function admitPack(
  files: ReadonlyMap<string, Uint8Array>,
  identity: { pack: string; version: string; notes: string },
): Promise<Admission> {
  const pack = packFromTree(files, { pack: identity.pack, version: identity.version });
  if (!pack.ok) return quarantined(pack.error);
  const text = canonicalJson(pack.value as unknown as Json);
  const digest = await sha256Hex(text);
  const compiled = compilePack(pack.value);
  if (!compiled.ok) return { ...quarantined(compiled.error), pack: pack.value, text, digest };
  return {
    status: "ready",
    report: [],
    pack: pack.value,
    text,
    digest,
    templateManifest: await templateManifest(compiled.value, identity.notes),
  };
}

export const quarantined = (report: Finding[]): Admission => ({
  status: hasErrors(report) ? "quarantined" : "ready",
  report,
  pack: null,
  text: "",
  digest: "",
  templateManifest: { templates: [], version_notes: "", breaking_changes: false },
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
