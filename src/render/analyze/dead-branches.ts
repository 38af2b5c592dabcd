import type { Json } from "#core/json.ts";
import type { Expr, If } from "#render/ast.ts";
import type { ContextPath, PathReader } from "#render/analyze/read-paths.ts";
import { possibleValues, type SchemaPaths } from "#render/analyze/schema-paths.ts";

/** A branch that no value of the schema can take. */
export type DeadBranch = { readonly node: Expr; readonly reason: string };

type Test = { readonly path: ContextPath; readonly values: readonly Json[]; readonly isNegated: boolean };

/** `path == literal`, `path in [literals]` and their negations. */
function testOf(reader: PathReader, node: Expr): Test | null {
  if (node.typename === "Group" && node.children.length === 1 && node.children[0])
    return testOf(reader, node.children[0]);
  if (node.typename === "Compare" && node.ops.length === 1) {
    const [operand] = node.ops;
    const path = reader.pathOf(node.expr);
    if (operand === undefined || path === null || operand.expr.typename !== "Literal") return null;
    if (!["==", "===", "!=", "!=="].includes(operand.type)) return null;
    const { value } = operand.expr;
    return value instanceof RegExp ? null : { path, values: [value], isNegated: operand.type.startsWith("!") };
  }
  if (node.typename === "In" && node.right.typename === "Array") {
    const path = reader.pathOf(node.left);
    const values = node.right.children.map((child) => (child.typename === "Literal" ? child.value : undefined));
    const isListed = values.every((value) => value !== undefined && !(value instanceof RegExp));
    return path !== null && isListed ? { path, values: values as Json[], isNegated: false } : null;
  }
  return null;
}

/** The arms of an `if` that cannot be taken, because the schema's enum or boolean has no such value (or none left). */
export function deadBranches(node: If, reader: PathReader, schema: SchemaPaths): DeadBranch[] {
  const dead: DeadBranch[] = [];
  const left = new Map<string, Json[]>();
  for (let at: If | null = node; at !== null;) {
    const test = testOf(reader, at.cond);
    const place = test === null ? null : schema.at(test.path);
    const possible = place?.kind === "known" ? possibleValues(place.node) : null;
    if (test !== null && possible !== null) {
      const key = test.path.join(".");
      const before = left.get(key) ?? possible;
      const taken = before.filter((value) => test.values.includes(value) !== test.isNegated);
      if (taken.length === 0) dead.push({ node: at.cond, reason: reasonFor(key, possible, left.has(key)) });
      left.set(
        key,
        before.filter((value) => !taken.includes(value)),
      );
    }
    const next: If["else_"] = at.else_;
    at = next === null || next.typename === "NodeList" ? null : next;
  }
  return dead;
}

const reasonFor = (path: string, possible: readonly Json[], isNarrowed: boolean): string => {
  const values = possible.map((value) => JSON.stringify(value)).join(", ");
  return isNarrowed
    ? `what \`${path}\` can be (${values}) is taken by the branches before`
    : `\`${path}\` can only be ${values}`;
};
