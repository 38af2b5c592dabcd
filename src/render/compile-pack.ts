import { type Finding, hasErrors } from "#core/finding.ts";
import type { Pack, PackOutput } from "#core/pack.ts";
import { err, ok, type Result } from "#core/result.ts";
import { type CompiledTemplate, compileTemplate } from "#render/compile/compile-template.ts";
import type { Variant } from "#render/compile/compiler.ts";
import type { Program } from "#render/compile/program.ts";
import { missingTemplate } from "#render/compile/template-name.ts";
import { placeOf, type TemplateFault } from "#render/fault.ts";
import { isUnitFile } from "#render/unit-file.ts";
import { findingOfFault, sortedFindings } from "#render/finding-of-fault.ts";
import { candidatePaths, findInPack } from "#render/pack-paths.ts";
import { type ParsedTemplate, parseTemplate } from "#render/parse-template.ts";

export type CompileOptions = {
  /** Slices, mapping methods and True, False, None, as Nunjucks' Jinja mode has them. On unless told otherwise. */
  readonly isJinja?: boolean;
};

export const STRICT: Variant = {
  isStrict: true,
  isUnit: false,
  isCollecting: false,
  isTraced: false,
  isAutoescaped: false,
  throwOnUndefined: false,
};

/** An output with what never changes about it. */
export type OutputPlan = {
  readonly output: PackOutput;
  /** The name of the template of its `when`, where it has one. */
  readonly condition: string | null;
  readonly isUnit: boolean;
  readonly isSensitive: boolean;
};

/** Programs of one variant by path; null where the pack has no such template. */
export type Programs = (path: string) => Program | null;

/**
 * A pack whose templates are parsed and checked. Programs are compiled per variant when they are first needed and kept: they
 * hold no tenant data, so one compiled pack serves every tenant, cached by the pack's digest.
 */
export class CompiledPack {
  readonly pack: Pack;
  readonly isJinja: boolean;
  /** Sources of the templates by path, and of the outputs' conditions by `conditionName`. */
  readonly sources: Readonly<Record<string, string>>;
  readonly trees: ReadonlyMap<string, ParsedTemplate>;
  /** Sorted by the name of their output. */
  readonly plans: readonly OutputPlan[];
  readonly #variants = new Map<number, (path: string) => CompiledTemplate | null>();

  constructor(parts: {
    pack: Pack;
    sources: Record<string, string>;
    trees: ReadonlyMap<string, ParsedTemplate>;
    isJinja: boolean;
  }) {
    this.pack = parts.pack;
    this.sources = parts.sources;
    this.trees = parts.trees;
    this.isJinja = parts.isJinja;
    const plans = parts.pack.outputs.map((output) => ({
      output,
      condition: output.when === undefined ? null : conditionName(output),
      isUnit: isUnitFile(output.output),
      isSensitive: output.sensitive === true,
    }));
    this.plans = plans.toSorted((a, b) => (a.output.output < b.output.output ? -1 : 1));
  }

  /** The program of one template in one variant; null where the pack has no such template. */
  program(path: string, variant: Variant): Program | null {
    return this.compiled(path, variant)?.program ?? null;
  }

  compiled(path: string, variant: Variant): CompiledTemplate | null {
    return this.#variant(variant)(path);
  }

  programs(variant: Variant): Programs {
    const compiled = this.#variant(variant);
    return (path) => compiled(path)?.program ?? null;
  }

  #variant(variant: Variant): (path: string) => CompiledTemplate | null {
    const key = variantKey(variant);
    let templates = this.#variants.get(key);
    if (templates === undefined) {
      templates = this.#templates(variant);
      this.#variants.set(key, templates);
    }
    return templates;
  }

  #templates(variant: Variant): (path: string) => CompiledTemplate | null {
    const templates = new Map<string, CompiledTemplate>();
    return (path) => {
      const known = templates.get(path);
      if (known !== undefined) return known;
      const tree = this.trees.get(path);
      if (tree === undefined) return null;
      const compiled = compileTemplate(path, tree, variant);
      templates.set(path, compiled);
      return compiled;
    };
  }

  /** A template by the name that another one uses for it. */
  find(name: string, from: string, variant: Variant): Program | null {
    const path = candidatePaths(name, from).find((candidate) => this.trees.has(candidate));
    return path === undefined ? null : this.program(path, variant);
  }
}

const variantKey = (variant: Variant): number =>
  Number(variant.isStrict) +
  2 * Number(variant.isUnit) +
  4 * Number(variant.isCollecting) +
  8 * Number(variant.isTraced) +
  16 * Number(variant.isAutoescaped) +
  32 * Number(variant.throwOnUndefined);

/** The variant that a render asks for first: checking a template compiles it, and that work is kept. */
function firstVariant(pack: Pack, path: string): Variant {
  const outputs = pack.outputs.filter((output) => output.template === path);
  return outputs.length > 0 && outputs.every((output) => isUnitFile(output.output))
    ? { ...STRICT, isUnit: true }
    : STRICT;
}

/** Outputs' `when` conditions are compiled as small templates of this name. */
export const conditionName = (output: PackOutput): string => `leger-pack.json (when of ${output.output})`;

/** Parses and compiles every template of a pack. All findings come at once; a pack with an error is not compiled. */
export function compilePack(pack: Pack, options: CompileOptions = {}): Result<CompiledPack, Finding[]> {
  const isJinja = options.isJinja ?? true;
  const sources = templateSources(pack);
  const trees = new Map<string, ParsedTemplate>();
  const faults: TemplateFault[] = missingOutputs(pack);
  const parseOptions = { trimBlocks: pack.engine.trim_blocks, lstripBlocks: pack.engine.lstrip_blocks, isJinja };
  for (const [path, source] of Object.entries(sources)) {
    const parsed = parseTemplate(path, source, parseOptions);
    if (!parsed.ok) {
      faults.push(parsed.error);
      continue;
    }
    trees.set(path, parsed.value);
    faults.push(...missingReferences(pack, path, parsed.value));
  }
  const compiled = new CompiledPack({ pack, sources, trees, isJinja });
  for (const path of trees.keys()) faults.push(...(compiled.compiled(path, firstVariant(pack, path))?.faults ?? []));
  const findings = sortedFindings(faults.map((fault) => findingOfFault(fault, sources)));
  return hasErrors(findings) ? err(findings) : ok(compiled);
}

const TEMPLATE_ENDINGS = [".j2", ".njk", ".jinja", ".jinja2"];
const isTemplate = (path: string) => TEMPLATE_ENDINGS.some((ending) => path.endsWith(ending));

/** All templates by path: files that end like one, what outputs are made of, and the conditions of outputs. */
function templateSources(pack: Pack): Record<string, string> {
  const sources: Record<string, string> = {};
  const named = new Set(pack.outputs.map((output) => output.template));
  for (const path of Object.keys(pack.files).toSorted()) {
    const isReferable = path.startsWith("templates/") || named.has(path) || isTemplate(path);
    const source = pack.files[path];
    if (isReferable && source !== undefined && (isTemplate(path) || named.has(path))) sources[path] = source;
  }
  for (const output of pack.outputs) {
    if (output.when !== undefined) sources[conditionName(output)] = `{% if ${output.when} %}1{% endif %}`;
  }
  return sources;
}

const missingOutputs = (pack: Pack): TemplateFault[] =>
  pack.outputs
    .filter((output) => !Object.hasOwn(pack.files, output.template))
    .map((output) => missingTemplate(output.template, { template: "leger-pack.json", line: 1, column: 1 }));

/** Templates named by a literal must exist; `ignore missing` and computed names are left to the render. */
function missingReferences(pack: Pack, path: string, { references }: ParsedTemplate): TemplateFault[] {
  return references.flatMap((node) => {
    if (node.template.typename !== "Literal" || (node.typename === "Include" && node.ignoreMissing === true)) return [];
    const name = String(node.template.value);
    return findInPack(pack.files, name, path) === null ? [missingTemplate(name, placeOf(path, node))] : [];
  });
}
