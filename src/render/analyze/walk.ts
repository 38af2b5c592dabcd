import type { AnyNode } from "#render/ast.ts";

const isNode = (value: unknown): value is AnyNode => typeof value === "object" && value !== null && "typename" in value;

/** The nodes right below a node, in the order of its fields. */
export function childNodes(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) children.push(...(value as unknown[]).filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** Calls back for a node and everything below it, parents first; `parents` are the nodes around it, outermost first. */
export function walkNodes(node: AnyNode, visit: (node: AnyNode, parents: readonly AnyNode[]) => void): void {
  const parents: AnyNode[] = [];
  const descend = (at: AnyNode): void => {
    visit(at, parents);
    parents.push(at);
    for (const child of childNodes(at)) descend(child);
    parents.pop();
  };
  descend(node);
}
