import type { Pack } from "#core/pack.ts";
import { type CompiledPack, compilePack, STRICT } from "#render/compile-pack.ts";
import type { Variant } from "#render/compile/compiler.ts";
import { foreignFault } from "#render/compile/compiler.ts";
import { TemplateFault } from "#render/fault.ts";
import { GLOBALS } from "#render/globals.ts";
import { DEFAULT_LIMITS, Instance, Run } from "#render/run.ts";

/** One template with the templates that it loads, run by the engine outside of a pack: what is compared with Nunjucks. */
export type EngineCase = {
  readonly template: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly context: Readonly<Record<string, unknown>>;
  readonly isStrict?: boolean;
  readonly isJinja?: boolean;
  readonly isAutoescaped?: boolean;
  readonly throwOnUndefined?: boolean;
  readonly trimBlocks?: boolean;
  readonly lstripBlocks?: boolean;
};

export type EngineOutcome = { readonly text: string } | { readonly error: string; readonly code: string };

const MAIN = "main.njk";

export function packOf(engineCase: EngineCase): Pack {
  return {
    format: 1,
    pack: "case",
    version: "1.0.0",
    name: "case",
    description: "",
    podman: { min: "5.4", max: null },
    engine: { trim_blocks: engineCase.trimBlocks ?? false, lstrip_blocks: engineCase.lstripBlocks ?? false },
    outputs: Object.keys({ ...engineCase.files, [MAIN]: "" }).map((template) => ({ template, output: template })),
    copies: [],
    schema: {},
    data: {},
    files: { ...engineCase.files, [MAIN]: engineCase.template },
    migrations: [],
  };
}

/** Compiles a case. Files that are refused are left out, because Nunjucks reads a file only when it is used. */
export function compileCase(engineCase: EngineCase): CompiledPack | { readonly error: string; readonly code: string } {
  const { files = {} } = engineCase;
  const compiled = compilePack(packOf(engineCase), { isJinja: engineCase.isJinja ?? false });
  if (compiled.ok) return compiled.value;
  const refused = new Set(compiled.error.map((finding) => finding.place?.file));
  const kept = Object.fromEntries(Object.entries(files).filter(([path]) => !refused.has(path)));
  if (Object.keys(kept).length < Object.keys(files).length) return compileCase({ ...engineCase, files: kept });
  const [finding] = compiled.error;
  return { error: finding?.message ?? "refused", code: finding?.code ?? "refused" };
}

export function runCompiled(compiled: CompiledPack, engineCase: EngineCase): EngineOutcome {
  const variant: Variant = {
    ...STRICT,
    isStrict: engineCase.isStrict ?? false,
    isAutoescaped: engineCase.isAutoescaped ?? false,
    throwOnUndefined: engineCase.throwOnUndefined ?? false,
  };
  const host = {
    globals: GLOBALS,
    find: (name: unknown, from: string) => (typeof name === "string" ? compiled.find(name, from, variant) : null),
    pointerOf: () => undefined,
    isAutoescaped: variant.isAutoescaped,
    throwOnUndefined: variant.throwOnUndefined,
    isJinja: compiled.isJinja,
  };
  const program = compiled.program(MAIN, variant);
  if (program === null) return { error: "no template", code: "none" };
  const run = new Run(host, DEFAULT_LIMITS);
  try {
    return {
      text: program.render(run, new Instance(engineCase.context, GLOBALS, program), null),
    };
  } catch (error) {
    const fault = error instanceof TemplateFault ? error : foreignFault(error);
    return { error: fault.message, code: fault.code };
  }
}

export function runEngine(engineCase: EngineCase): EngineOutcome {
  const compiled = compileCase(engineCase);
  return "error" in compiled ? compiled : runCompiled(compiled, engineCase);
}
