import type { Expr, Literal } from "#render/ast.ts";
import { compileCall } from "#render/compile/call.ts";
import { compileCompare } from "#render/compile/compare.ts";
import { type Compiled, constantOf, placedFault, type TemplateCompiler, type Use } from "#render/compile/compiler.ts";
import { compileFilter } from "#render/compile/filter.ts";
import { compileIs } from "#render/compile/is.ts";
import { compileDict, compileGroup, compileList } from "#render/compile/literal.ts";
import { compileLookup } from "#render/compile/lookup.ts";
import { compileCaller } from "#render/compile/macro.ts";
import { inJavaScriptOrder } from "#render/compile/operator-order.ts";
import { compileIn, compileInlineIf, compileLogic, compileOperator, compileUnary } from "#render/compile/operator.ts";
import type { Scope } from "#render/compile/scope.ts";
import { compileSymbol } from "#render/compile/symbol.ts";
import { regexLiteral } from "#render/values/regex-literal.ts";

export function compileExpression(node: Expr, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const compiled = dispatch(inJavaScriptOrder(node), scope, use);
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
  const { code, text, isOwnText, items, describe } = compiled;
  return {
    code: guard(code),
    ...(text !== undefined && { text: guard(text) }),
    ...(isOwnText !== undefined && { isOwnText }),
    ...(items !== undefined && { items }),
    ...(describe !== undefined && { describe }),
  };
}

function dispatch(node: Expr, scope: Scope, use: Use): Compiled {
  switch (node.typename) {
    case "Literal":
      return compileLiteral(node, scope);
    case "TemplateData":
      return constantOf(node.value);
    case "Symbol":
      return compileSymbol(node, scope, use);
    case "LookupVal":
      return compileLookup(node, scope, use);
    case "Group":
    case "NodeList":
      return compileGroup(node, scope, use);
    case "Array":
      return compileList(node, scope);
    case "Dict":
      return compileDict(node, scope);
    case "InlineIf":
      return compileInlineIf(node, scope, use);
    case "In":
      return compileIn(node, scope);
    case "Is":
      return compileIs(node, scope);
    case "Or":
    case "And":
      return compileLogic(node, scope, use);
    case "Not":
    case "Neg":
    case "Pos":
      return compileUnary(node, scope);
    case "Compare":
      return compileCompare(node, scope);
    case "FunCall":
      return compileCall(node, scope, use);
    case "Filter":
      return compileFilter(node, scope, use);
    case "Caller":
      return compileCaller(node, scope);
    case "Capture":
      return scope.compiler.capture(node, scope);
    case "Add":
    case "Concat":
    case "Sub":
    case "Mul":
    case "Div":
    case "FloorDiv":
    case "Mod":
    case "Pow":
      return compileOperator(node, scope);
    default:
      return scope.compiler.refuse(node, {
        code: "syntax",
        message: `unexpected ${node.typename} in an expression`,
        action: "Write a value here.",
      });
  }
}

function compileLiteral(node: Literal, scope: Scope): Compiled {
  if (!(node.value instanceof RegExp)) return constantOf(node.value);
  const regex = regexLiteral(node.value.source, node.value.flags);
  if (regex !== null) return constantOf(regex);
  return scope.compiler.refuse(node, {
    code: "regex_refused",
    message: "this regular expression cannot be matched in linear time",
    action: "Leave out back-references and look-arounds.",
  });
}
