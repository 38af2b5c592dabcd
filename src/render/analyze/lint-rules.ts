import type { AnyNode, Expr } from "#render/ast.ts";
import type { PathReader } from "#render/analyze/read-paths.ts";
import type { SchemaPaths } from "#render/analyze/schema-paths.ts";
import { inJavaScriptOrder } from "#render/compile/operator-order.ts";
import { filterNamed } from "#render/filters/filters.ts";

export type LintContext = {
  readonly parents: readonly AnyNode[];
  readonly reader: PathReader;
  readonly schema: SchemaPaths;
  readonly isJinja: boolean;
};

/** `check` gives the message where the rule is broken, else null. */
export type LintRule = {
  readonly code: string;
  readonly action: string;
  check(node: AnyNode, context: LintContext): string | null;
};

const typeAt = (node: Expr, { reader, schema }: LintContext): unknown => {
  const path = reader.pathOf(node);
  const place = path === null ? null : schema.at(path);
  return place?.kind === "known" ? place.node["type"] : undefined;
};

const isContainer = (node: Expr, context: LintContext): boolean =>
  node.typename === "Array" || node.typename === "Dict" || ["array", "object"].includes(String(typeAt(node, context)));

const isIn = (parents: readonly AnyNode[], typename: string) => parents.some((parent) => parent.typename === typename);

/** The type of literal that a schema type compares with. */
const literalType: Readonly<Record<string, string>> = {
  string: "string",
  integer: "number",
  number: "number",
  boolean: "boolean",
};

function looseEquality(node: AnyNode, context: LintContext): string | null {
  const [operand] = node.typename === "Compare" ? node.ops : [];
  if (node.typename !== "Compare" || operand === undefined || !["==", "!="].includes(operand.type)) return null;
  const right = operand.expr.typename === "Literal" ? operand.expr.value : undefined;
  if (right === undefined || right === null) return null;
  const left =
    node.expr.typename === "Literal" ? typeof node.expr.value : literalType[String(typeAt(node.expr, context))];
  if (left === undefined || left === typeof right) return null;
  return `a ${left} is compared with a ${typeof right}: \`${operand.type}\` converts them first, as JavaScript does`;
}

const LOOP_MEMBERS = new Set(["index", "index0", "revindex", "revindex0", "first", "last", "length"]);
const KEYWORD_FILTERS = new Set(["sort", "int"]);
const SINGLE_ARGUMENT_FILTERS = new Set(["selectattr", "rejectattr"]);

export const LINT_RULES: readonly LintRule[] = [
  {
    code: "for_if",
    action: "Filter the list first (select, selectattr), or write an {% if %} inside of the loop.",
    check: (node) =>
      "arr" in node && node.arr.typename === "InlineIf" && node.arr.else_ === null
        ? "`for x in list if condition` loops over the whole list or over nothing: the condition is not asked for each item"
        : null,
  },
  {
    code: "for_over_mapping",
    action: "Write {% for key, value in mapping %}.",
    check: (node, context) =>
      "arr" in node &&
      node.name.typename === "Symbol" &&
      (node.arr.typename === "Dict" || typeAt(node.arr, context) === "object")
        ? "a loop with one variable over a mapping never runs"
        : null,
  },
  {
    code: "negative_index",
    action: "Use | last, or a slice.",
    check: (node) =>
      node.typename === "LookupVal" && node.val.typename === "Neg"
        ? "a negative index does not count from the end: it finds nothing"
        : null,
  },
  {
    code: "set_unpacking",
    action: "Set one variable at a time.",
    check: (node) =>
      node.typename === "Set" && node.targets.length > 1
        ? "every one of these variables gets the whole value: `set` does not unpack"
        : null,
  },
  {
    code: "number_spelling",
    action: "Write the number with digits and a point only.",
    check: (node) =>
      node.typename === "Symbol" && /^\d/.test(node.value)
        ? `\`${node.value}\` is read as the name of a variable, not as a number`
        : null,
  },
  {
    code: "chained_comparison",
    action: "Join two comparisons by `and`.",
    check: (node) =>
      node.typename === "Compare" && node.ops.length > 1
        ? "`a < b < c` compares `a < b`, which is true or false, with c"
        : null,
  },
  {
    code: "loose_equality",
    action: "Compare with a value of the same type.",
    check: looseEquality,
  },
  {
    code: "container_as_condition",
    action: "Ask for its length: {% if list | length %}.",
    check: (node, context) =>
      (node.typename === "If" || node.typename === "InlineIf") && isContainer(node.cond, context)
        ? "an empty list or mapping counts as true here"
        : null,
  },
  {
    code: "set_in_loop",
    action: "Use another name if the variable outside must keep its value.",
    check: (node, { parents }) => {
      if (node.typename !== "Set" || !parents.some((parent) => "arr" in parent)) return null;
      const names = node.targets.flatMap((target) => (target.typename === "Symbol" ? [target.value] : []));
      const outside = parents.slice(
        0,
        parents.findIndex((parent) => "arr" in parent),
      );
      const isSetOutside = outside.some(
        (parent) =>
          "children" in parent &&
          (parent.children as readonly AnyNode[]).some(
            (child) =>
              child.typename === "Set" &&
              child.targets.some((target) => target.typename === "Symbol" && names.includes(target.value)),
          ),
      );
      return isSetOutside ? "this changes the variable outside of the loop, and stays changed after it" : null;
    },
  },
  {
    code: "python_constant",
    action: "Write true, false or none.",
    check: (node, { isJinja }) =>
      !isJinja && node.typename === "Symbol" && ["True", "False", "None"].includes(node.value)
        ? `\`${node.value}\` is read as the name of a variable`
        : null,
  },
  {
    code: "loop_member",
    action: `Use ${[...LOOP_MEMBERS].map((name) => `loop.${name}`).join(", ")}.`,
    check: (node, { parents }) => {
      if (node.typename !== "LookupVal" || node.target.typename !== "Symbol" || node.target.value !== "loop")
        return null;
      if (node.val.typename !== "Literal" || !parents.some((parent) => "arr" in parent)) return null;
      return LOOP_MEMBERS.has(String(node.val.value)) ? null : `\`loop.${String(node.val.value)}\` does not exist`;
    },
  },
  {
    code: "filter_extra_arguments",
    action: "Loop with an {% if %}, which can compare.",
    check: (node) =>
      node.typename === "Filter" && SINGLE_ARGUMENT_FILTERS.has(node.name.value) && node.args.children.length > 2
        ? `${node.name.value} only asks whether the attribute is true: what comes after its name is ignored`
        : null,
  },
  {
    code: "filter_keywords",
    action: "Give the arguments by position.",
    check: (node) => {
      if (
        node.typename !== "Filter" ||
        KEYWORD_FILTERS.has(node.name.value) ||
        filterNamed(node.name.value) === undefined
      )
        return null;
      const hasKeywords = node.args.children.some((arg) => arg.typename === "KeywordArgs");
      return hasKeywords
        ? `${node.name.value} takes no arguments by name: they arrive as one mapping in the first free place`
        : null;
    },
  },
  {
    code: "prints_container",
    action: "Print its parts, or use | join or | toJson.",
    check: (node, context) => {
      const printed = context.parents.at(-1)?.typename === "Output" && "typename" in node ? (node as Expr) : null;
      if (printed === null || (printed.typename !== "Symbol" && printed.typename !== "LookupVal")) return null;
      const type = typeAt(printed, context);
      return type === "object" || type === "array"
        ? `a ${type === "array" ? "list" : "mapping"} prints as JavaScript's text of it`
        : null;
    },
  },
  {
    code: "trailing_newline",
    action: "End the included file without a line break, or take it away with -%}.",
    check: (node, { parents }) =>
      node.typename === "Include" && isIn(parents, "Capture")
        ? "the line break at the end of the included file is kept"
        : null,
  },
  {
    code: "not_precedence",
    action: "Put the comparison in parentheses.",
    check: (node) =>
      node.typename === "Not" && node.target.typename === "Compare" ? "`not a == b` is read as `(not a) == b`" : null,
  },
  {
    code: "operator_order",
    action: "Put parentheses around what belongs together.",
    check: (node) =>
      "left" in node && node.typename !== "Is" && inJavaScriptOrder(node) !== node && isArithmetic(node.right)
        ? "operators are worked out in JavaScript's order, which is not the one of this expression in Jinja"
        : null,
  },
];

const isArithmetic = (node: Expr): boolean => ["Add", "Concat", "Sub", "Mul", "Div", "Mod"].includes(node.typename);
