import { prepareDecisions } from "#core/decisions.ts";
import type { Finding } from "#core/finding.ts";
import type { Pack } from "#core/pack.ts";
import { type Result, ok } from "#core/result.ts";
import { compilePack } from "#render/compile-pack.ts";
import { type RenderedPack, renderPack } from "#render/render-pack.ts";
import { readPackFolder } from "./pack-folder.ts";
import { readConfig } from "./read-input.ts";

export type FolderRender = { pack: Pack; rendered: RenderedPack; warnings: Finding[] };
export type FolderRenderOptions = { config: string; name: string; lenient?: true; provenance?: boolean };

/** A pack's folder rendered for a configuration in a file, exactly as the service would. */
export function renderFolder(folder: string, options: FolderRenderOptions): Result<FolderRender, Finding[]> {
  const config = readConfig(options.config);
  const pack = readPackFolder(folder);
  if (!pack.ok) return pack;
  const compiled = compilePack(pack.value);
  if (!compiled.ok) return compiled;
  const prepared = prepareDecisions(pack.value.schema, config);
  if (!prepared.ok) return prepared;
  const { effective: decisions, marks, warnings } = prepared.value;
  const rendered = renderPack(compiled.value, {
    decisions,
    deploymentName: options.name,
    marks,
    mode: options.lenient ? "lenient" : "strict",
    provenance: options.provenance ?? false,
  });
  return rendered.ok ? ok({ pack: pack.value, rendered: rendered.value, warnings }) : rendered;
}
