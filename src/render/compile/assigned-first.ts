import type { AnyNode, Expr, Macro, Statement } from "#render/ast.ts";
import { importedName } from "#render/compile/imported-name.ts";

/**
 * The names that a template's top level gives a value, whatever happens, before anything in it can read them: imports, macros, most
 * of what it sets. They are not looked for in the context: that would mostly be in vain, and what is looked for in vain takes longest.
 */
export function assignedFirst(statements: readonly Statement[]): Set<string> {
  const first = new Set<string>();
  const open = new Set(statements.flatMap(assignedBy));
  for (const statement of statements) {
    // Imports stand first in most templates: what comes behind the last of such names need not be looked at.
    if (open.size === 0) break;
    for (const name of readBy(statement)) open.delete(name);
    for (const name of assignedBy(statement)) if (open.delete(name)) first.add(name);
  }
  return first;
}

function assignedBy(node: Statement): string[] {
  switch (node.typename) {
    case "Set":
      return node.targets.flatMap(symbolName);
    case "Macro":
      return symbolName(node.name);
    case "Import":
      return symbolName(node.target);
    case "FromImport":
      return node.names.children.map((child) => importedName(child).alias);
    default:
      return [];
  }
}

const symbolName = (node: Expr): string[] => (node.typename === "Symbol" ? [node.value] : []);

/** Every name that a statement mentions and does not itself give a value: rather too many than too few. */
function readBy(node: Statement): Set<string> {
  switch (node.typename) {
    case "Set":
      return symbolsIn([node.value, node.body]);
    case "Import":
    case "FromImport":
      return symbolsIn([node.template]);
    case "Macro":
      return readByMacro(node);
    default:
      return symbolsIn([node]);
  }
}

/** A macro's parameters hide what has their names, and nobody calls it before it has its own. */
function readByMacro({ name, args, body }: Macro): Set<string> {
  const names = symbolsIn([args, body]);
  for (const own of [name, ...args.children].flatMap(parameterNames)) names.delete(own);
  return names;
}

const parameterNames = (node: Expr): string[] =>
  node.typename === "KeywordArgs" || node.typename === "Dict"
    ? node.children.flatMap(({ key }) => symbolName(key))
    : symbolName(node);

function symbolsIn(nodes: readonly (AnyNode | null | undefined)[]): Set<string> {
  const names = new Set<string>();
  noteSymbols(nodes, names);
  return names;
}

/** Whatever a node holds: without making a list of its children first, because this is a part of each first render. */
function noteSymbols(value: unknown, names: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) noteSymbols(value[i], names);
    return;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields["typename"] === "Symbol") names.add(fields["value"] as string);
  else for (const key in fields) noteSymbols(fields[key], names);
}
