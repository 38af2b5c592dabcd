import type { Expr, Pair } from "#render/ast.ts";

type ImportName = { readonly name: string; readonly alias: string };

/** One of the names of `from ... import name, name as alias`: what it is there and here. */
export function importedName(node: Expr | Pair): ImportName {
  const text = (expr: Expr) => (expr.typename === "Symbol" ? expr.value : "");
  if (node.typename === "Pair") return { name: text(node.key), alias: text(node.value) };
  return { name: text(node), alias: text(node) };
}
