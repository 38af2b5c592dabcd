import type { Statement } from "#render/ast.ts";
import { compileBlock, compileExtends } from "#render/compile/block.ts";
import { compileFor } from "#render/compile/for.ts";
import { compileIf } from "#render/compile/if.ts";
import { compileFromImport, compileImport, compileInclude } from "#render/compile/include.ts";
import { compileMacro } from "#render/compile/macro.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileSet } from "#render/compile/set.ts";
import { compileSwitch } from "#render/compile/switch.ts";

export function compileStatement(node: Statement, scope: Scope): TextCode {
  const { compiler } = scope;
  switch (node.typename) {
    case "If":
    case "IfAsync":
      return compileIf(node, scope);
    case "For":
    case "AsyncEach":
    case "AsyncAll":
      return compileFor(node, scope);
    case "Set":
      return compileSet(node, scope);
    case "Switch":
      return compileSwitch(node, scope);
    case "Macro":
      return compileMacro(node, scope);
    case "Block":
      return compileBlock(node, scope);
    case "Extends":
      return compileExtends(node, scope);
    case "Include":
      return compileInclude(node, scope);
    case "Import":
      return compileImport(node, scope);
    case "FromImport":
      return compileFromImport(node, scope);
    case "NodeList":
    case "Output":
      return compiler.body([node], scope);
    default:
      compiler.refuse(node, {
        code: "syntax",
        message: `${(node as Statement).typename} is not available`,
        action: "Templates are synchronous: use for and if.",
      });
      return () => "";
  }
}
