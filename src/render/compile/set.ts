import type { SetNode } from "#render/ast.ts";
import { constantOf, FAILED, isSilenced, placedFault } from "#render/compile/compiler.ts";
import type { Code, TextCode } from "#render/compile/program.ts";
import { resolveWrite, type Scope } from "#render/compile/scope.ts";
import { type Source, sourceOf } from "#render/compile/source.ts";
import { Step, stepOf } from "#render/compile/step.ts";
import type { TemplatePlace } from "#render/fault.ts";
import { type Slots, slotWithValue } from "#render/run.ts";
import { joinOrigins, type Origins } from "#render/trace/origin.ts";

/** Writes a variable; traced runs say where its value comes from. */
export type Assign = (slots: Slots, value: unknown, origins?: Origins) => void;

/** A variable that is nothing but its slot. */
type Plain = { readonly slot: number };

const codeOf = (assign: Assign | Plain): Assign => {
  if (typeof assign === "function") return assign;
  const { slot } = assign;
  return (slots, value) => {
    slots[slot] = value;
  };
};

/** `set name`: an outer variable that has a value is changed, else one is made here. */
function assignName(name: string, scope: Scope): Assign | Plain {
  const { slots: numbers, contextSlot } = resolveWrite(name, scope);
  scope.unit.noteAssigned(name);
  const [own = 0, ...outer] = numbers;
  if (scope.parent === null && scope.unit.kind === "root" && scope.compiler.sharesContext) {
    return assignShared(name, { own, contextSlot });
  }
  if (outer.length === 0 && contextSlot === null && !scope.compiler.variant.isTraced) {
    return { slot: own };
  }
  return (slots, value, origins) => {
    const number = slotWithValue(numbers, slots) ?? own;
    slots[number] = value;
    if (contextSlot !== null) slots[contextSlot] = value;
    const traced = slots[0].origins;
    if (traced === null) return;
    traced[number] = origins;
    if (contextSlot !== null) traced[contextSlot] = origins;
  };
}

/** A variable of the top level that other templates and blocks see, also when it is set to nothing. */
const assignShared =
  (name: string, { own, contextSlot }: { own: number; contextSlot: number | null }): Assign =>
  (slots, value, origins) => {
    const activation = slots[0];
    slots[own] = value;
    if (contextSlot !== null) slots[contextSlot] = value;
    activation.instance.define(name, value, origins);
    if (activation.origins === null) return;
    activation.origins[own] = origins;
    if (contextSlot !== null) activation.origins[contextSlot] = origins;
  };

/** What a macro or import binds: always here, and for the whole template when it happens outside loops and call bodies. */
export function defineName(name: string, scope: Scope, options: { isImported?: boolean } = {}): Assign {
  const { slot } = scope.declare(name, { isBound: true, ...options });
  scope.unit.noteAssigned(name);
  const isUnitScope = scope.parent === null;
  const contextSlot = isUnitScope && scope.unit.kind !== "macro" ? scope.unit.contextSlot(name) : slot;
  const isLeaked = isUnitScope && scope.unit.kind !== "root";
  return (slots, value, origins) => {
    slots[slot] = value;
    if (contextSlot !== slot) slots[contextSlot] = value;
    if (isLeaked) slots[0].instance.define(name, value, origins);
    const traced = slots[0].origins;
    if (traced === null) return;
    traced[slot] = origins;
    traced[contextSlot] = origins;
  };
}

export function compileSet(node: SetNode, scope: Scope): Step {
  const { compiler } = scope;
  const assigns: (Assign | Plain)[] = [];
  for (const target of node.targets) {
    if (target.typename === "Symbol") assigns.push(assignName(target.value, scope));
    else {
      compiler.refuse(target, {
        code: "syntax",
        message: "only plain names can be set",
        action: "Set a variable of its own.",
      });
    }
  }
  const value = valueOf(node, scope);
  const [assign, ...more] = assigns;
  if (assign === undefined) return stepOf(() => "");
  if (compiler.variant.isTraced) return stepOf(tracedSet(assigns.map(codeOf), sourceCode(value)));
  if (compiler.variant.isCollecting) {
    return stepOf(collectingSet(assigns.map(codeOf), sourceCode(value), compiler.place(node)));
  }
  if (more.length > 0) return stepOf(assigningAll(assigns.map(codeOf), value));
  if (typeof assign !== "function") return new Step({ action: "assign", source: value, slot: assign.slot });
  return stepOf((slots) => {
    assign(slots, value.read(slots));
    return "";
  });
}

const sourceCode =
  (source: Source): Code =>
  (slots) =>
    source.read(slots);

const assigningAll =
  (assigns: readonly Assign[], value: Source): TextCode =>
  (slots) => {
    const result = value.read(slots);
    for (const each of assigns) each(slots, result);
    return "";
  };

function valueOf(node: SetNode, scope: Scope): Source {
  const { compiler } = scope;
  if (node.value !== null) return sourceOf(compiler.expression(node.value, scope));
  if (node.body !== undefined) return sourceOf(compiler.capture(node.body, scope));
  return sourceOf(constantOf(undefined));
}

/** A variable comes from what its value was read from and from the conditions around the `set`. */
const tracedSet =
  (assigns: readonly Assign[], value: Code): TextCode =>
  (slots) => {
    const { tracer } = slots[0].run;
    if (tracer === null) return "";
    const outer = tracer.startReading();
    const result = value(slots);
    const origins = joinOrigins(tracer.stopReading(outer), tracer.control);
    for (const assign of assigns) assign(slots, result, origins);
    return "";
  };

/** A value that cannot be computed is reported once; the variable then silences what reads it. */
function collectingSet(assigns: readonly Assign[], value: Code, place: TemplatePlace): TextCode {
  return (slots) => {
    let result: unknown = FAILED;
    try {
      result = value(slots);
    } catch (error) {
      const fault = placedFault(error, place);
      if (fault.endsRender) throw fault;
      if (!isSilenced(fault)) slots[0].run.noteFault(fault);
    }
    for (const assign of assigns) assign(slots, result);
    return "";
  };
}
