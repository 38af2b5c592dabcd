import type { Expr, Statement } from "#render/ast.ts";
import { assignedFirst } from "#render/compile/assigned-first.ts";
import { importedName } from "#render/compile/imported-name.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import { KeptMembers } from "#render/compile/kept-members.ts";
import type { ContextName } from "#render/run.ts";
import { isPlainKey } from "#render/values/member.ts";

/**
 * Where variables live. Nunjucks looks names up in frames while it runs; here every name of a unit gets a slot number when the
 * template is compiled. The rules of frames that this reproduces are in docs/design/engine.md ("Scoping").
 */
export type LoopVariables = {
  readonly indexSlot: number;
  readonly lengthSlot: number;
  /** The slot of the `loop` object, made only if something needs the object itself. */
  objectSlot: number | null;
};

export type Variable = {
  readonly slot: number;
  /** The slot, as a list. */
  readonly slots: readonly number[];
  /** Since which moment of the compiler it is bound. Infinity: not yet. */
  boundSince: number;
  /** Nunjucks binds it to a JavaScript variable: loop variables, parameters, macros, imports. It hides outer ones even when undefined. */
  isBound: boolean;
  isImported: boolean;
  readonly loop: LoopVariables | null;
};

/** What owns a slot array: a template's root, a block or a macro. Slot 0 is the activation. */
export class Unit {
  slotCount = 1;
  /** Names read from the context, in the slots that they are loaded into when the unit starts. */
  readonly context = new Map<string, number>();
  /** Names that have a value before anything in the unit reads them. */
  assignedFirst: ReadonlySet<string> = new Set();
  /** Names that the statements compiled so far give a value, and since when. */
  readonly assigned = new Map<string, number>();
  #namesOfContext: ReadonlyMap<string, readonly number[]> | null = null;
  readonly kept = new KeptMembers(() => this.newSlot());
  readonly kind: "root" | "block" | "macro";
  readonly root: Unit;
  readonly scope: Scope;

  readonly compiler: TemplateCompiler;

  constructor(compiler: TemplateCompiler, kind: "root" | "block" | "macro", root?: Unit) {
    this.compiler = compiler;
    this.kind = kind;
    this.root = root ?? this;
    this.scope = new Scope(this, null);
  }

  newSlot(): number {
    return this.slotCount++;
  }

  noteAssigned(name: string): void {
    if (!this.assigned.has(name)) this.assigned.set(name, this.compiler.moment);
  }

  /** What a macro sees of its template's root. They are complete when all of the template is compiled, and so is this. */
  get namesOfContext(): ReadonlyMap<string, readonly number[]> {
    return (this.#namesOfContext ??= new Map([...this.context].map(([name, slot]) => [name, [slot]])));
  }

  /** The names that the unit reads from the context: those that it may read before it sets them. */
  get loadedNames(): ContextName[] {
    const names: ContextName[] = [];
    for (const [name, slot] of this.context) {
      if (!this.assignedFirst.has(name)) names.push({ name, slot, isPlain: isPlainKey(name) });
    }
    return names;
  }

  contextSlot(name: string): number {
    let slot = this.context.get(name);
    if (slot === undefined) {
      slot = this.newSlot();
      this.context.set(name, slot);
    }
    return slot;
  }
}

export class Scope {
  readonly variables = new Map<string, Variable>();
  readonly unit: Unit;
  readonly parent: Scope | null;
  /** `set` inside does not reach variables outside (call bodies). */
  readonly isIsolated: boolean;

  constructor(unit: Unit, parent: Scope | null, isIsolated = false) {
    this.unit = unit;
    this.parent = parent;
    this.isIsolated = isIsolated;
  }

  get compiler(): TemplateCompiler {
    return this.unit.compiler;
  }

  declare(name: string, options: { isBound?: boolean; isImported?: boolean; loop?: LoopVariables } = {}): Variable {
    const known = this.variables.get(name);
    const { moment } = this.compiler;
    if (known !== undefined) {
      if (options.isBound === true && !known.isBound) {
        known.isBound = true;
        known.boundSince = moment;
      }
      known.isImported ||= options.isImported ?? false;
      return known;
    }
    const slot = options.loop === undefined ? this.unit.newSlot() : -1;
    const isBound = options.isBound ?? false;
    const variable: Variable = {
      slot,
      slots: [slot],
      isBound,
      boundSince: isBound ? moment : Infinity,
      isImported: options.isImported ?? false,
      loop: options.loop ?? null,
    };
    this.variables.set(name, variable);
    return variable;
  }
}

/** How to read a name: the first of these slots that is not undefined, then a slot of the root (from inside a macro). */
export type NameRead = { readonly slots: readonly number[]; readonly rootSlot: number | null };

export const loopObjectSlot = (unit: Unit, loop: LoopVariables): number => (loop.objectSlot ??= unit.newSlot());

export function resolveName(name: string, scope: Scope): NameRead {
  const slots: number[] = [];
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const variable = at.variables.get(name);
    if (variable === undefined) continue;
    slots.push(variable.loop === null ? variable.slot : loopObjectSlot(at.unit, variable.loop));
    if (variable.isBound) return { slots, rootSlot: null };
  }
  const { unit } = scope;
  if (unit.kind === "macro") return { slots, rootSlot: unit.root.contextSlot(name) };
  const contextSlot = unit.contextSlot(name);
  if (slots.at(-1) !== contextSlot) slots.push(contextSlot);
  return { slots, rootSlot: null };
}

/** The `loop` that is in scope, if it is a loop's own and not a variable of that name. */
export function loopInScope(scope: Scope): LoopVariables | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const variable = at.variables.get("loop");
    if (variable !== undefined) return variable.loop;
  }
  return null;
}

/** Where `set` writes: the first of these slots that has a value, else the first; and a root's context slot besides. */
export type NameWrite = { readonly slots: readonly number[]; readonly contextSlot: number | null };

export function resolveWrite(name: string, scope: Scope): NameWrite {
  const own = scope.declare(name);
  const slots = [own.slot];
  for (let at: Scope | null = scope; at !== null; at = at.isIsolated ? null : at.parent) {
    if (at === scope) {
      if (own.isBound) break;
      continue;
    }
    const variable = at.variables.get(name);
    if (variable === undefined || variable.loop !== null) continue;
    slots.push(variable.slot);
    if (variable.isBound) break;
  }
  const isTopLevel = scope.parent === null && scope.unit.kind === "root";
  const contextSlot = isTopLevel ? scope.unit.contextSlot(name) : null;
  return { slots, contextSlot: contextSlot === own.slot ? null : contextSlot };
}

/** Declares what the statements of a body set in its own scope, so that reads before the `set` know the slot. */
export function declareAssignments(scope: Scope, statements: readonly Statement[]): void {
  for (const statement of statements) declareOne(scope, statement);
}

function declareOne(scope: Scope, node: Statement): void {
  switch (node.typename) {
    case "Set":
      for (const target of node.targets) if (target.typename === "Symbol") scope.declare(target.value);
      if (node.body !== undefined) declareAssignments(scope, node.body.body.children);
      return;
    case "Macro":
      if (node.name.typename === "Symbol") scope.declare(node.name.value);
      return;
    case "Import":
      if (node.target.typename === "Symbol") scope.declare(node.target.value, { isImported: true });
      return;
    case "FromImport":
      for (const child of node.names.children) scope.declare(importedName(child).alias, { isImported: true });
      return;
    case "If":
    case "IfAsync":
      declareAssignments(scope, node.body.children);
      if (node.else_ !== null) declareOne(scope, node.else_);
      return;
    case "Switch":
      for (const branch of node.cases) declareAssignments(scope, branch.body.children);
      if (node.default !== null) declareAssignments(scope, node.default.children);
      return;
    case "Output":
      for (const child of node.children) declareInFilterBlock(scope, child);
      return;
    case "NodeList":
      declareAssignments(scope, node.children);
      return;
    default:
  }
}

/** `{% filter %}` is an output of a filter over a captured body that shares the scope around it. */
function declareInFilterBlock(scope: Scope, node: Expr): void {
  if (node.typename !== "Filter") return;
  const captured = node.args.children[0];
  if (captured?.typename === "Capture") declareAssignments(scope, captured.body.children);
}

/**
 * Opens a unit's scope over its statements. Variables share the context's slot, except those that a loop or call body inside sets: such
 * a `set` changes the variable and not the context, which macros read.
 */
export function openUnitScope(unit: Unit, statements: readonly Statement[], setInside: ReadonlySet<string>): Scope {
  const { scope } = unit;
  declareAssignments(scope, statements);
  if (unit.kind === "macro") return scope;
  for (const [name, variable] of scope.variables) {
    if (!setInside.has(name)) unit.context.set(name, variable.slot);
  }
  unit.assignedFirst = assignedFirst(statements).difference(setInside);
  return scope;
}
