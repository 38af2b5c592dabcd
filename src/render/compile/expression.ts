import type { Expr } from "#render/ast.ts";
import { compileCall } from "#render/compile/call.ts";
import { compileCompare } from "#render/compile/compare.ts";
import { type Compiled, constantOf, placedFault, type TemplateCompiler } from "#render/compile/compiler.ts";
import { compileFilter } from "#render/compile/filter.ts";
import { compileIs } from "#render/compile/is.ts";
import { compileDict, compileGroup, compileList } from "#render/compile/literal.ts";
import { compileLookup } from "#render/compile/lookup.ts";
import { compileCaller } from "#render/compile/macro.ts";
import { inJavaScriptOrder } from "#render/compile/operator-order.ts";
import { compileIn, compileInlineIf, compileLogic, compileOperator, compileUnary } from "#render/compile/operator.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileSymbol } from "#render/compile/symbol.ts";
import { compileCapture } from "#render/compile/body.ts";

/** How an expression is used: `isAsking` where an undefined value is an answer and not a fault (`if x`, `x is defined`). */
export type Use = { readonly isAsking: boolean };
export const USED: Use = { isAsking: false };
export const ASKED: Use = { isAsking: true };

export function compileExpression(compiler: TemplateCompiler, node: Expr, scope: Scope, use: Use = USED): Compiled {
  const compiled = dispatch(compiler, inJavaScriptOrder(node), scope, use);
  if (!compiler.variant.isCollecting || compiled.constant !== undefined) return compiled;
  return withPlace(compiler, node, compiled);
}

/** In collecting variants each expression adds its place to a fault that has none yet. */
function withPlace(compiler: TemplateCompiler, node: Expr, compiled: Compiled): Compiled {
  const place = compiler.place(node);
  const guard =
    (code: Compiled["code"]): Compiled["code"] =>
    (slots) => {
      try {
        return code(slots);
      } catch (error) {
        throw placedFault(error, place);
      }
    };
  const { slot: _slot, path: _path, text, ...rest } = compiled;
  return { ...rest, code: guard(compiled.code), ...(text === undefined ? {} : { text: guard(text) }) };
}

function dispatch(compiler: TemplateCompiler, node: Expr, scope: Scope, use: Use): Compiled {
  switch (node.typename) {
    case "Literal":
      return compileLiteral(compiler, node);
    case "TemplateData":
      return constantOf(node.value);
    case "Symbol":
      return compileSymbol(compiler, node, scope, use);
    case "LookupVal":
      return compileLookup(compiler, node, scope, use);
    case "Group":
    case "NodeList":
      return compileGroup(compiler, node, scope, use);
    case "Array":
      return compileList(compiler, node, scope);
    case "Dict":
      return compileDict(compiler, node, scope);
    case "InlineIf":
      return compileInlineIf(compiler, node, scope, use);
    case "In":
      return compileIn(compiler, node, scope);
    case "Is":
      return compileIs(compiler, node, scope);
    case "Or":
    case "And":
      return compileLogic(compiler, node, scope, use);
    case "Not":
    case "Neg":
    case "Pos":
      return compileUnary(compiler, node, scope);
    case "Compare":
      return compileCompare(compiler, node, scope);
    case "FunCall":
      return compileCall(compiler, node, scope, use);
    case "Filter":
      return compileFilter(compiler, node, scope, use);
    case "Caller":
      return compileCaller(compiler, node, scope);
    case "Capture":
      return compileCapture(compiler, node, scope);
    case "Add":
    case "Concat":
    case "Sub":
    case "Mul":
    case "Div":
    case "FloorDiv":
    case "Mod":
    case "Pow":
      return compileOperator(compiler, node, scope);
    default:
      return compiler.refuse(node, {
        code: "syntax",
        message: `unexpected ${node.typename} in an expression`,
        action: "Write a value here.",
      });
  }
}

function compileLiteral(compiler: TemplateCompiler, node: Extract<Expr, { typename: "Literal" }>): Compiled {
  if (!(node.value instanceof RegExp)) return constantOf(node.value);
  return compiler.refuse(node, {
    code: "regex_refused",
    message: "regular expressions are not available in templates",
    action: "Use replace with a text, or decide it with a schema property.",
  });
}
