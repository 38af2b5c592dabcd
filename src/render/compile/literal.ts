import type { ArrayNode, Dict, Expr, ExprList, Group, KeywordArgs } from "#render/ast.ts";
import { type Compiled, constantOf, type Use } from "#render/compile/compiler.ts";
import type { Code } from "#render/compile/program.ts";
import type { Scope } from "#render/compile/scope.ts";
import { type Source, sourceOf } from "#render/compile/source.ts";
import type { Slots } from "#render/run.ts";

/** Parentheses. Several expressions in them are JavaScript's comma: the last one counts. */
export function compileGroup(node: Group | ExprList, scope: Scope, use: Use): Compiled {
  const { compiler } = scope;
  const [only, ...more] = node.children;
  if (only === undefined) {
    return compiler.refuse(node, {
      code: "syntax",
      message: "nothing between the parentheses",
      action: "Write a value.",
    });
  }
  if (more.length === 0) return compiler.expression(only, scope, use);
  const codes = node.children.map((child) => compiler.expression(child, scope).code);
  return {
    code: (slots) => {
      let value: unknown;
      for (const code of codes) value = code(slots);
      return value;
    },
  };
}

export function compileList(node: ArrayNode, scope: Scope): Compiled {
  const { compiler } = scope;
  const items = node.children.map((child) => compiler.expression(child, scope));
  const codes = items.map((item) => item.code);
  const code: Code = (slots) => {
    const list: unknown[] = [];
    for (let i = 0; i < codes.length; i++) list.push(codes[i]?.(slots));
    return list;
  };
  if (items.some((item) => item.constant === undefined)) return { code };
  return { code, items: items.map((item) => item.constant?.value) };
}

export type Entry = readonly [key: string, source: Source];

export function compileEntries(node: Dict | KeywordArgs, scope: Scope): Entry[] {
  const { compiler } = scope;
  const entries: Entry[] = [];
  for (const pair of node.children) {
    const key = keyOf(pair.key);
    if (key === null || key === "__proto__") {
      compiler.refuse(pair.key, {
        code: "syntax",
        message: key === null ? "a key must be a text or a name" : "__proto__ is not allowed as a key",
        action: "Write a plain key.",
      });
      continue;
    }
    entries.push([key, sourceOf(compiler.expression(pair.value, scope))]);
  }
  return entries;
}

const keyOf = (node: Expr): string | null => {
  if (node.typename === "Symbol") return node.value;
  return node.typename === "Literal" && typeof node.value === "string" ? node.value : null;
};

export function compileDict(node: Dict, scope: Scope): Compiled {
  const entries = compileEntries(node, scope);
  return { code: (slots) => recordOf(entries, slots) };
}

export function recordOf(entries: readonly Entry[], slots: Slots): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const [key, source] of entries) record[key] = source.read(slots);
  return record;
}

export const emptyText = constantOf("");
