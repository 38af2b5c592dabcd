import type { Statement } from "#render/ast.ts";
import { compileBlock, compileExtends } from "#render/compile/block.ts";
import { compileFor } from "#render/compile/for.ts";
import { compileIf } from "#render/compile/if.ts";
import { compileFromImport, compileImport, compileInclude } from "#render/compile/include.ts";
import { compileMacro } from "#render/compile/macro.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileSet } from "#render/compile/set.ts";
import { bodyCode, type Step, stepOf } from "#render/compile/step.ts";
import { compileSwitch } from "#render/compile/switch.ts";

export function compileStatement(node: Statement, scope: Scope): Step {
  const { compiler } = scope;
  switch (node.typename) {
    case "If":
    case "IfAsync":
      return compileIf(node, scope);
    case "For":
    case "AsyncEach":
    case "AsyncAll":
      return stepOf(compileFor(node, scope));
    case "Set":
      return compileSet(node, scope);
    case "Switch":
      return stepOf(compileSwitch(node, scope));
    case "Macro":
      return stepOf(compileMacro(node, scope));
    case "Block":
      return stepOf(compileBlock(node, scope));
    case "Extends":
      return stepOf(compileExtends(node, scope));
    case "Include":
      return stepOf(compileInclude(node, scope));
    case "Import":
      return stepOf(compileImport(node, scope));
    case "FromImport":
      return stepOf(compileFromImport(node, scope));
    case "NodeList":
    case "Output":
      return stepOf(bodyCode(compiler.body([node], scope)));
    default:
      compiler.refuse(node, {
        code: "syntax",
        message: `${(node as Statement).typename} is not available`,
        action: "Templates are synchronous: use for and if.",
      });
      return stepOf(() => "");
  }
}
