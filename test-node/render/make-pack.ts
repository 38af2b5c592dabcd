import type { Finding } from "#core/finding.ts";
import type { JsonObject } from "#core/json.ts";
import type { Pack } from "#core/pack.ts";
import { compilePack, type CompiledPack } from "#render/compile-pack.ts";
import { renderPack, type RenderedPack, type RenderInput } from "#render/render-pack.ts";

/** A pack of the given templates (below templates/); those whose name starts with `_` are no outputs. */
export function makePack(templates: Readonly<Record<string, string>>, extra: Partial<Pack> = {}): Pack {
  const files = Object.fromEntries(Object.entries(templates).map(([name, text]) => [`templates/${name}`, text]));
  const outputs = Object.keys(templates)
    .filter((name) => !name.startsWith("_"))
    .map((name) => ({ template: `templates/${name}`, output: name.replace(/\.j2$/, "") }));
  return {
    format: 1,
    pack: "test",
    version: "1.0.0",
    name: "test",
    description: "",
    podman: { min: "5.4", max: null },
    engine: { trim_blocks: true, lstrip_blocks: true },
    outputs,
    copies: [],
    schema: { type: "object", properties: {} },
    data: {},
    migrations: [],
    ...extra,
    files: { ...files, ...extra.files },
  };
}

export function compiledOf(pack: Pack): CompiledPack {
  const compiled = compilePack(pack);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error, null, 2));
  return compiled.value;
}

export const inputOf = (decisions: JsonObject, extra: Partial<RenderInput> = {}): RenderInput => ({
  decisions,
  deploymentName: "home",
  marks: { sensitive: [], secretRefs: [] },
  ...extra,
});

export function renderedOf(pack: Pack, input: RenderInput): RenderedPack {
  const rendered = renderPack(compiledOf(pack), input);
  if (!rendered.ok) throw new Error(JSON.stringify(rendered.error, null, 2));
  return rendered.value;
}

/** The text of the only output of one template. */
export const textOf = (template: string, decisions: JsonObject = {}): string =>
  renderedOf(makePack({ "main.txt.j2": template }), inputOf(decisions)).files[0]?.text ?? "";

/** What a pack is refused for, when it is compiled or when it is rendered. */
export function findingsOf(pack: Pack, input: RenderInput): Finding[] {
  const compiled = compilePack(pack);
  if (!compiled.ok) return compiled.error;
  const rendered = renderPack(compiled.value, input);
  return rendered.ok ? [] : rendered.error;
}

export const codesOf = (template: string, decisions: JsonObject = {}, output = "main.txt.j2"): string[] =>
  findingsOf(makePack({ [output]: template }), inputOf(decisions)).map(({ code }) => code);
