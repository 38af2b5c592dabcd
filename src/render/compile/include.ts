import type { FromImport, Import, Include } from "#render/ast.ts";
import { importedName } from "#render/compile/imported-name.ts";
import { FAILED, isSilenced, placedFault } from "#render/compile/compiler.ts";
import { viewCode } from "#render/compile/block.ts";
import { isTextFunction } from "#render/macro-function.ts";
import { Module } from "#render/compile/module.ts";
import type { Program, TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { type Assign, defineName } from "#render/compile/set.ts";
import { templateCode } from "#render/compile/template-name.ts";
import { VisibleNames } from "#render/compile/visible-names.ts";
import { type TemplatePlace, TemplateFault } from "#render/fault.ts";
import { type Context, Instance, type Run, type Slots, slotWithValue, stepsOfWeight, type View } from "#render/run.ts";
import { joinOrigins } from "#render/trace/origin.ts";
import { didYouMean } from "#core/did-you-mean.ts";

const NO_VALUES: Context = {};

/** `include`: the template runs with everything visible here; what it sets stays inside. */
export function compileInclude(node: Include, scope: Scope): TextCode {
  const { compiler } = scope;
  const find = templateCode(node, scope);
  const view = viewCode(scope);
  const place = compiler.place(node);
  return (slots) => {
    const program = find(slots);
    if (program === null) return "";
    const { run, instance } = slots[0];
    run.charge(1 + stepsOfWeight(instance.definedCount), place);
    run.enter("includes", place);
    const text = program.render(run, instance.forInclude(program), view(slots));
    run.depth--;
    return text;
  };
}

/** A statement that runs a template for what it defines. One object, because packs import in each of their templates and do it once. */
class ImportSite {
  readonly #find: (slots: Slots) => Program;
  /** The names that the template sees; null without context. */
  readonly #names: VisibleNames | null;
  readonly #view: ((slots: Slots) => View) | null;
  readonly #writeBack: ((slots: Slots, module: Module) => void) | null;
  readonly #place: TemplatePlace;
  readonly #isTraced: boolean;
  /** The template that was imported last, and whether it sees nothing of the place where it is imported. */
  #program: Program | null = null;
  #isApart = false;

  constructor(node: Import | FromImport, scope: Scope) {
    const { compiler } = scope;
    this.#find = templateCode(node, scope);
    const names = node.withContext === true ? new VisibleNames(scope) : null;
    this.#names = names;
    this.#view = names === null ? null : viewCode(scope);
    this.#writeBack = names === null ? null : writeThrough(names);
    this.#place = compiler.place(node);
    this.#isTraced = compiler.variant.isTraced;
  }

  /** What depends on nothing but the context is evaluated once per render. */
  module(slots: Slots): Module {
    const program = this.#find(slots);
    if (this.#program !== program) this.#meet(program);
    const { run, instance, view } = slots[0];
    const isShared = this.#names === null || (this.#isApart && view === null && instance.isUntouched);
    const owner = this.#names === null ? NO_VALUES : instance.values;
    return (isShared ? run.moduleOf(program, owner) : undefined) ?? this.#evaluate(program, slots, isShared);
  }

  /**
   * Importing with context gives the same module wherever this context is, if the template loads no others and no variable around has a
   * name that it reads or sets. The names are known once both are compiled.
   */
  #meet(program: Program): void {
    const names = this.#names;
    this.#program = program;
    this.#isApart =
      names !== null &&
      program.isAlone &&
      [...program.assignedFirst].every((name) => !names.has(name)) &&
      program.context.every(({ name }) => !names.has(name));
  }

  #evaluate(program: Program, slots: Slots, isShared: boolean): Module {
    const { run, instance } = slots[0];
    const around = this.#view?.(slots) ?? null;
    run.charge(1 + stepsOfWeight(instance.definedCount), this.#place);
    run.enter("imports", this.#place);
    const own = around === null ? new Instance(NO_VALUES, instance.globals, program) : instance.forInclude(program);
    const inner = this.#isTraced ? evaluateTraced(program, own, { run, around }) : program.evaluate(run, own, around);
    run.depth--;
    const module = new Module(program, inner);
    if (isShared && program.isConstant) run.keepModule(own.values, module);
    this.#writeBack?.(slots, module);
    return module;
  }
}

function evaluateTraced(program: Program, own: Instance, { run, around }: { run: Run; around: View | null }): Slots {
  const evaluate = () => program.evaluate(run, own, around);
  return run.tracer === null ? evaluate() : run.tracer.discarding(evaluate);
}

/**
 * Nunjucks' quirk: what a template imported with context sets changes a variable of that name here. Which names that may be is known
 * once both are compiled.
 */
function writeThrough(names: VisibleNames): (slots: Slots, module: Module) => void {
  let shared: { readonly program: Program; readonly names: readonly string[] } | null = null;
  return (slots, module) => {
    const { program } = module;
    if (shared?.program !== program) {
      const both = program.exports.map(({ name }) => name).filter((name) => names.has(name));
      shared = { program, names: both };
    }
    for (const name of shared.names) {
      const value = module.exports[name];
      const number = slotWithValue(names.variablesOf(name), slots);
      if (number !== undefined && value !== undefined && !isTextFunction(value)) slots[number] = value;
    }
  };
}

export function compileImport(node: Import, scope: Scope): TextCode {
  const { compiler } = scope;
  const site = new ImportSite(node, scope);
  if (node.target.typename !== "Symbol") {
    compiler.refuse(node.target, { code: "syntax", message: "an import needs a name", action: "Write `as name`." });
    return () => "";
  }
  const define = defineName(node.target.value, scope, { isImported: true });
  const code: TextCode = (slots) => {
    define(slots, site.module(slots).exports, slots[0].run.tracer?.control);
    return "";
  };
  return guarded(node, scope, { code, fail: (slots) => define(slots, FAILED) });
}

export function compileFromImport(node: FromImport, scope: Scope): TextCode {
  const { compiler } = scope;
  const site = new ImportSite(node, scope);
  const imports = node.names.children.map((child) => {
    const { name, alias } = importedName(child);
    return { name, define: defineName(alias, scope, { isImported: true }), place: compiler.place(child) };
  });
  // Nearly always the same template: where it keeps what is wanted is looked up once.
  let last: { readonly program: Program; readonly bindings: readonly ImportBinding[] } | null = null;
  const code: TextCode = (slots) => {
    const from = site.module(slots);
    const { program } = from;
    if (last?.program !== program) last = { program, bindings: imports.map((each) => bindingOf(each, program)) };
    const { bindings } = last;
    for (let i = 0; i < bindings.length; i++) bindImport(slots, from, bindings[i] as ImportBinding);
    return "";
  };
  const fail = (slots: Slots): void => {
    for (const { define } of imports) define(slots, FAILED);
  };
  return guarded(node, scope, { code, fail });
}

type Imported = { readonly name: string; readonly define: Assign; readonly place: TemplatePlace };
type ImportBinding = Imported & { readonly slot: number; readonly isAlways: boolean };

/** Slot 0 holds no variable: it stands for a name that the template does not have. */
function bindingOf(imported: Imported, program: Program): ImportBinding {
  const { slot = 0, isAlways = false } = program.exports.find(({ name }) => name === imported.name) ?? {};
  return { ...imported, slot, isAlways };
}

function bindImport(slots: Slots, module: Module, { name, define, place, slot, isAlways }: ImportBinding): void {
  const value = slot === 0 ? undefined : module.slots[slot];
  if (slot === 0 || (value === undefined && !isAlways)) throw notExported(name, module, place);
  const { tracer } = slots[0].run;
  const origins =
    tracer === null ? undefined : joinOrigins(tracer.originsOfExport(module.exports, name), tracer.control);
  define(slots, value, origins);
}

function notExported(name: string, { exports }: Module, place: TemplatePlace): TemplateFault {
  const suggestion = didYouMean(name, Object.keys(exports));
  return new TemplateFault({
    code: "import_not_found",
    message: `cannot import '${name}'${suggestion === null ? "" : `; did you mean '${suggestion}'?`}`,
    action: "Import a macro or a variable that the template sets at its top level.",
    place,
  });
}

type Guarded = { readonly code: TextCode; readonly fail: (slots: Slots) => void };

/** In collecting variants a failed import leaves names that silence what uses them. */
function guarded(node: Import | FromImport, { compiler }: Scope, { code, fail }: Guarded): TextCode {
  if (!compiler.variant.isCollecting) return code;
  const place = compiler.place(node);
  return (slots) => {
    const { run } = slots[0];
    const { depth } = run;
    try {
      return code(slots);
    } catch (error) {
      const fault = placedFault(error, place);
      if (fault.endsRender) throw fault;
      run.depth = depth;
      if (!isSilenced(fault)) run.noteFault(fault);
      fail(slots);
      return "";
    }
  };
}
