import type { AnyNode, Expr } from "#render/ast.ts";
import type { CompiledPack } from "#render/compile-pack.ts";

/**
 * The decisions that a template itself names, as dotted paths from the top-level properties of the pack's schema
 * (`ai_stack.enable_rag`), sorted. A path ends where the template computes a key. What imported macros read is theirs.
 */
export function templateVariables(compiled: CompiledPack, template: string): string[] {
  const tree = compiled.trees.get(template);
  const properties = compiled.pack.schema["properties"];
  const roots = new Set(typeof properties === "object" && properties !== null ? Object.keys(properties) : []);
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isNode(node)) return;
    const path = pathOf(node);
    const [root = ""] = path ?? [];
    if (path !== null && roots.has(root)) found.add(path.join("."));
    else for (const child of Object.values(node)) visit(child);
  };
  for (const part of Object.values(tree ?? {})) visit(part);
  return [...found].toSorted();
}

const isNode = (value: unknown): value is AnyNode => typeof value === "object" && value !== null && "typename" in value;

/** The keys of `a.b["c"]`, or null where the node is no look-up that starts at a name. */
function pathOf(node: AnyNode): string[] | null {
  if (node.typename === "Symbol") return [node.value];
  if (node.typename !== "LookupVal") return null;
  const target = pathOf(node.target as Expr);
  const { val } = node;
  if (target === null || val.typename !== "Literal" || typeof val.value !== "string") return target;
  return [...target, val.value];
}
