import type { Block, Extends } from "#render/ast.ts";
import { compileBody } from "#render/compile/body.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import type { TextCode } from "#render/compile/program.ts";
import { openUnitScope, type Scope, Unit, visibleNames } from "#render/compile/scope.ts";
import { templateCode } from "#render/compile/template-name.ts";
import { TemplateFault } from "#render/fault.ts";
import { type Activation, type BlockCode, lookupThrough, newSlots, rootOf, type View } from "#render/run.ts";

/** The place of a block: it runs the most derived block of that name, which sees the variables around this place. */
export function compileBlock(compiler: TemplateCompiler, node: Block, scope: Scope): TextCode {
  const name = node.name.value;
  const names = visibleNames(scope);
  const isTopLevel = !compiler.isInBlock;
  const place = compiler.place(node);
  return (slots) => {
    const activation = slots[0];
    // A template that extends another one runs its blocks from there, not where they are written.
    if (isTopLevel && rootOf(slots)[0].parent !== null) return "";
    const block = activation.instance.blocks[name]?.[0];
    if (block === undefined) {
      throw new TemplateFault({
        code: "unknown_block",
        message: `there is no block "${name}"`,
        action: "Define it.",
        place,
      });
    }
    return block.run(activation, viewFrom(slots, names));
  };
}

/** A view of this place for code that runs elsewhere; from inside a macro, the variables of its template come after. */
export function viewFrom(slots: View["slots"], names: View["names"]): View {
  const { root, view } = slots[0];
  return { names, slots, parent: root === null ? view : { names: EMPTY, slots: root, parent: root[0].view } };
}
const EMPTY: View["names"] = new Map();

/** The code of a block. All blocks of a template are compiled after its root, nested ones too. */
export function compileBlockBody(compiler: TemplateCompiler, node: Block): BlockCode {
  const unit = new Unit("block");
  const scope = openUnitScope(unit, node.body.children);
  const body = compileBody(compiler, node.body.children, scope);
  const place = compiler.place(node);
  const { isTraced } = compiler.variant;
  const block: BlockCode = {
    name: node.name.value,
    run: (caller: Activation, view: View | null) => {
      const { run, instance } = caller;
      run.enter("blocks", place);
      const sources = isTraced ? new Array<unknown>(unit.slotCount) : null;
      const slots = newSlots({ run, instance, view, root: null, parent: null, block, sources }, unit.slotCount);
      for (const [name, slot] of unit.context) slots[slot] = lookupThrough(view, instance, name);
      const text = body(slots);
      run.depth--;
      return text;
    },
  };
  return block;
}

export function compileExtends(compiler: TemplateCompiler, node: Extends, scope: Scope): TextCode {
  const find = templateCode(compiler, node, scope);
  return (slots) => {
    const parent = find(slots);
    if (parent === null) return "";
    const root = rootOf(slots)[0];
    root.parent = parent;
    for (const block of parent.blocks) (root.instance.blocks[block.name] ??= []).push(block);
    return "";
  };
}
