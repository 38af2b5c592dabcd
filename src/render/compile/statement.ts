import type { Statement } from "#render/ast.ts";
import { compileBlock, compileExtends } from "#render/compile/block.ts";
import { compileBody } from "#render/compile/body.ts";
import type { TemplateCompiler } from "#render/compile/compiler.ts";
import { compileFor } from "#render/compile/for.ts";
import { compileIf } from "#render/compile/if.ts";
import { compileFromImport, compileImport, compileInclude } from "#render/compile/include.ts";
import { compileMacro } from "#render/compile/macro.ts";
import type { TextCode } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileSet } from "#render/compile/set.ts";
import { compileSwitch } from "#render/compile/switch.ts";

export function compileStatement(compiler: TemplateCompiler, node: Statement, scope: Scope): TextCode {
  switch (node.typename) {
    case "If":
    case "IfAsync":
      return compileIf(compiler, node, scope);
    case "For":
    case "AsyncEach":
    case "AsyncAll":
      return compileFor(compiler, node, scope);
    case "Set":
      return compileSet(compiler, node, scope);
    case "Switch":
      return compileSwitch(compiler, node, scope);
    case "Macro":
      return compileMacro(compiler, node, scope);
    case "Block":
      return compileBlock(compiler, node, scope);
    case "Extends":
      return compileExtends(compiler, node, scope);
    case "Include":
      return compileInclude(compiler, node, scope);
    case "Import":
      return compileImport(compiler, node, scope);
    case "FromImport":
      return compileFromImport(compiler, node, scope);
    case "NodeList":
    case "Output":
      return compileBody(compiler, [node], scope);
    default:
      compiler.refuse(node, {
        code: "syntax",
        message: `${(node as Statement).typename} is not available`,
        action: "Templates are synchronous: use for and if.",
      });
      return () => "";
  }
}
