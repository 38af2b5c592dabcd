import type { Block, Extends } from "#render/ast.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import type { TextCode } from "#render/compile/program.ts";
import { openUnitScope, type Scope, Unit } from "#render/compile/scope.ts";
import { templateCode } from "#render/compile/template-name.ts";
import { VisibleNames } from "#render/compile/visible-names.ts";
import { TemplateFault } from "#render/fault.ts";
import { type BlockCode, blankSlots, copySlots, loadNames, newOrigins, rootOf, stepsOfWeight } from "#render/run.ts";
import type { ContextName, View } from "#render/run.ts";

/** The place of a block: it runs the most derived block of that name, which sees the variables around this place. */
export function compileBlock(node: Block, scope: Scope): TextCode {
  const { compiler } = scope;
  const name = node.name.value;
  const view = viewCode(scope);
  const isTopLevel = !compiler.isInBlock;
  const place = compiler.place(node);
  return (slots) => {
    const activation = slots[0];
    // A template that extends another one runs its blocks from there, not where they are written.
    if (isTopLevel && rootOf(slots)[0].parent !== null) return "";
    const block = activation.instance.blocksOf(name)[0];
    if (block === undefined) {
      throw new TemplateFault({
        code: "unknown_block",
        message: `there is no block "${name}"`,
        action: "Define it.",
        place,
      });
    }
    return block.run(activation, view(slots));
  };
}

/** A view of this place for code that runs elsewhere; from inside a macro, what its template's root knows comes after. */
export function viewCode(scope: Scope): (slots: View["slots"]) => View {
  const names = new VisibleNames(scope);
  const { unit } = scope;
  if (unit.kind !== "macro") return (slots) => ({ names, slots, parent: slots[0].view });
  return (slots) => {
    const root = rootOf(slots);
    return { names, slots, parent: { names: unit.root.namesOfContext, slots: root, parent: root[0].view } };
  };
}

/** The code of a block. All blocks of a template are compiled after its root, nested ones too. */
export function compileBlockBody(compiler: TemplateCompiler, node: Block): BlockCode {
  const unit = new Unit(compiler, "block");
  const scope = openUnitScope(unit, node.body.children, node.setInside);
  const body = compiler.body(node.body.children, scope);
  const place = compiler.place(node);
  const steps = 1 + stepsOfWeight(node.weight);
  // Both are complete only when all of the template is compiled.
  let opened: { readonly blank: readonly unknown[]; readonly names: readonly ContextName[] } | null = null;
  const block: BlockCode = {
    name: node.name.value,
    run: (caller, view) => {
      const { run, instance } = caller;
      run.charge(steps, place);
      run.enter("blocks", place);
      opened ??= { blank: blankSlots(unit.slotCount), names: unit.loadedNames };
      const origins = newOrigins(run, opened.blank);
      const slots = copySlots(opened.blank, {
        run,
        instance,
        view,
        root: null,
        parent: null,
        block,
        origins,
        ofMacros: null,
      });
      loadNames(slots, opened.names);
      const text = body.run(slots);
      run.depth--;
      return text;
    },
  };
  return block;
}

export function compileExtends(node: Extends, scope: Scope): TextCode {
  const find = templateCode(node, scope);
  return (slots) => {
    const parent = find(slots);
    const root = rootOf(slots)[0];
    root.parent = parent;
    root.instance.addBlocks(parent);
    return "";
  };
}
