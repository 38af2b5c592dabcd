import type { AnyNode, Block, Root } from "#render/ast.ts";
import { compileBlockBody } from "#render/compile/block.ts";
import { compileBody, compileCapture } from "#render/compile/body.ts";
import { type Dispatch, TemplateCompiler, type Variant } from "#render/compile/compiler.ts";
import { compileExpression } from "#render/compile/expression.ts";
import { Program } from "#render/compile/program.ts";
import { openUnitScope, type Scope, Unit, visibleNames } from "#render/compile/scope.ts";
import type { TemplateFault } from "#render/fault.ts";

const DISPATCH: Dispatch = { expression: compileExpression, body: compileBody, capture: compileCapture };

export type CompiledTemplate = { readonly program: Program; readonly faults: readonly TemplateFault[] };

/** Compiles one parsed template in one variant. Faults are those of the template itself: unknown filters, wrong targets. */
export function compileTemplate(name: string, root: Root, variant: Variant): CompiledTemplate {
  const compiler = new TemplateCompiler(name, variant, DISPATCH);
  const unit = new Unit(compiler, "root");
  const scope = openUnitScope(unit, root.children);
  const blocks = findBlocks(root);
  const body = compiler.body(root.children, scope);
  compiler.isInBlock = true;
  const seen = new Set<string>();
  const blockCodes = blocks.map((block) => {
    if (seen.has(block.name.value)) {
      const message = `Block "${block.name.value}" defined more than once.`;
      compiler.refuse(block, { code: "syntax", message, action: "Give each block a name of its own." });
    }
    seen.add(block.name.value);
    return compileBlockBody(compiler, block);
  });
  const program = new Program({
    name,
    slotCount: unit.slotCount,
    context: [...unit.context],
    body,
    blocks: blockCodes,
    names: visibleNames(scope),
    exports: exportsOf(scope),
    isConstant: !callsAtTopLevel(root),
  });
  return { program, faults: compiler.faults };
}

/** What an import sees: macros and variables set at the top level, but not what was itself imported. */
function exportsOf(scope: Scope): [name: string, slot: number][] {
  const exports: [string, number][] = [];
  for (const [name, variable] of scope.variables) {
    if (!name.startsWith("_") && !variable.isImported && variable.loop === null) exports.push([name, variable.slot]);
  }
  return exports;
}

export function childNodes(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

const isNode = (value: unknown): value is AnyNode => typeof value === "object" && value !== null && "typename" in value;

function findBlocks(node: AnyNode, found: Block[] = []): Block[] {
  if (node.typename === "Block") found.push(node);
  for (const child of childNodes(node)) findBlocks(child, found);
  return found;
}

/** Whether running the root calls anything: if not, importing it twice in one render gives the same values. */
function callsAtTopLevel(node: AnyNode): boolean {
  if (node.typename === "Macro" || node.typename === "Block") return false;
  return node.typename === "FunCall" || childNodes(node).some(callsAtTopLevel);
}
