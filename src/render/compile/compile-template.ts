import type { Expr, Root } from "#render/ast.ts";
import { compileBlockBody } from "#render/compile/block.ts";
import { compileBody, compileCapture } from "#render/compile/body.ts";
import { type Dispatch, TemplateCompiler, type Variant } from "#render/compile/compiler.ts";
import { compileExpression } from "#render/compile/expression.ts";
import { Program, type ProgramParts } from "#render/compile/program.ts";
import { openUnitScope, type Scope, Unit } from "#render/compile/scope.ts";
import { VisibleNames } from "#render/compile/visible-names.ts";
import type { TemplateFault } from "#render/fault.ts";
import { stepsOfWeight } from "#render/run.ts";
import type { ParsedTemplate } from "#render/parse-template.ts";

const DISPATCH: Dispatch = { expression: compileExpression, body: compileBody, capture: compileCapture };

export type CompiledTemplate = { readonly program: Program; readonly faults: readonly TemplateFault[] };

/** Compiles one parsed template in one variant. Faults are those of the template itself: unknown filters, wrong targets. */
export function compileTemplate(name: string, parsed: ParsedTemplate, variant: Variant): CompiledTemplate {
  const { root, blocks } = parsed;
  const compiler = new TemplateCompiler(name, variant, DISPATCH);
  compiler.sharesContext = blocks.length > 0 || parsed.references.length > 0;
  const unit = new Unit(compiler, "root");
  const scope = openUnitScope(unit, root.children, root.setInside);
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
    context: unit.loadedNames,
    assignedFirst: unit.assignedFirst,
    body,
    blocks: blockCodes,
    names: new VisibleNames(scope),
    exports: exportsOf(scope, root),
    steps: stepsOfWeight(root.weight),
    isConstant: !parsed.callsAtTopLevel,
    isAlone: parsed.references.length === 0 && blocks.length === 0,
  });
  return { program, faults: compiler.faults };
}

/**
 * What an import sees: macros and variables set at the top level, but not what was itself imported. What is set whatever happens is
 * there even when its value is undefined.
 */
function exportsOf(scope: Scope, root: Root): ProgramParts["exports"] {
  const always = new Set(root.children.flatMap((node) => (node.typename === "Set" ? node.targets : [])).map(nameOf));
  const exports: ProgramParts["exports"][number][] = [];
  for (const [name, { slot, isImported, loop }] of scope.variables) {
    if (!name.startsWith("_") && !isImported && loop === null) exports.push({ name, slot, isAlways: always.has(name) });
  }
  return exports;
}

const nameOf = (node: Expr): string => (node.typename === "Symbol" ? node.value : "");
