import type { Binary, Compare, CompareOperand, CompareType, Expr, Unary } from "#render/ast.ts";

/**
 * Nunjucks' parser gives each arithmetic operator a precedence of its own (`a * b % c` is `a * (b % c)` in its tree), but its compiler
 * writes the tree out as JavaScript without parentheses, so JavaScript's precedence decides: `(a * b) % c`; `not a == b` is
 * `(not a) == b`; `1 ~ 2 + 3` is "123". Same output as Nunjucks means the same: this rewrites a tree into the one that
 * JavaScript would have read from that text.
 */
type Chained = Binary | Compare | Unary;
type Operator = { readonly node: Chained; readonly type: Binary["typename"] | CompareType; readonly level: number };

const LEVELS: Readonly<Record<string, number>> = {
  Or: 1,
  And: 2,
  "==": 3,
  "!=": 3,
  "===": 3,
  "!==": 3,
  "<": 4,
  ">": 4,
  "<=": 4,
  ">=": 4,
  Add: 5,
  Concat: 5,
  Sub: 5,
  Mul: 6,
  Div: 6,
  Mod: 6,
};

const isChained = (node: Expr): node is Chained =>
  node.typename === "Compare" ||
  node.typename === "Not" ||
  node.typename === "Neg" ||
  node.typename === "Pos" ||
  (node.typename in LEVELS && "left" in node);

export function inJavaScriptOrder(node: Expr): Expr {
  if (node.typename === "FloorDiv") return floorOfQuotient(node);
  if (!isChained(node) || isSettled.has(node) || !hasChainedChild(node)) return node;
  const operands: Expr[] = [];
  const operators: Operator[] = [];
  write(node, { operands, operators, prefixes: [] });
  return read({ operands, operators, at: 0 }, 0);
}

/** Trees that `read` built are in order already; compiling their parts must not reorder them again. */
const isSettled = new WeakSet<object>();

function hasChainedChild(node: Chained): boolean {
  if (node.typename === "Compare")
    return isChained(node.expr) || node.ops.length > 1 || node.ops.some((op) => isChained(op.expr));
  return "target" in node ? isChained(node.target) : isChained(node.left) || isChained(node.right);
}

type Sink = { operands: Expr[]; operators: Operator[]; prefixes: Unary[] };

function write(node: Expr, sink: Sink): void {
  if (!isChained(node) || isSettled.has(node)) {
    // Prefixes bind to the first operand that follows them, as `!` and `-` do in JavaScript's text.
    const operand = sink.prefixes.reduceRight<Expr>((target, prefix) => prefixed(prefix, target), node);
    sink.prefixes = [];
    sink.operands.push(operand);
    return;
  }
  if ("target" in node) {
    sink.prefixes.push(node);
    write(node.target, sink);
    return;
  }
  if (node.typename === "Compare") {
    write(node.expr, sink);
    for (const operand of node.ops) {
      sink.operators.push({ node, type: operand.type, level: LEVELS[operand.type] ?? 0 });
      write(operand.expr, sink);
    }
    return;
  }
  write(node.left, sink);
  sink.operators.push({ node, type: node.typename, level: LEVELS[node.typename] ?? 0 });
  write(node.right, sink);
}

const prefixed = ({ typename, lineno, colno }: Unary, target: Expr): Unary =>
  settle({ typename, lineno, colno, target });

type Source = { readonly operands: readonly Expr[]; readonly operators: readonly Operator[]; at: number };

/** Precedence climbing over what `write` wrote; all these operators are left associative. */
function read(source: Source, levelMin: number): Expr {
  let left = operandAt(source, source.at);
  for (;;) {
    const operator = source.operators[source.at];
    if (operator === undefined || operator.level < levelMin) return left;
    source.at++;
    left = join(operator, left, read(source, operator.level + 1));
  }
}

function operandAt(source: Source, index: number): Expr {
  const operand = source.operands[index];
  if (operand === undefined) throw new Error("an operator without its operand: the parser let something through");
  return operand;
}

function join(operator: Operator, left: Expr, right: Expr): Expr {
  const { node, type } = operator;
  const { lineno, colno } = node;
  if (LEVELS[type] === 3 || LEVELS[type] === 4) {
    const operand: CompareOperand = {
      typename: "CompareOperand",
      lineno,
      colno,
      expr: right,
      type: type as CompareType,
    };
    return settle({ typename: "Compare", lineno, colno, expr: left, ops: [operand] });
  }
  return settle({ typename: type as Binary["typename"], lineno, colno, left, right });
}

function settle<T extends Expr>(node: T): T {
  isSettled.add(node);
  return node;
}

/** `Math.floor(left / right)`: the quotient is written out as a chain too. */
function floorOfQuotient(node: Binary): Expr {
  if (isSettled.has(node)) return node;
  const { lineno, colno, left, right } = node;
  const quotient = inJavaScriptOrder({ typename: "Div", lineno, colno, left, right });
  return settle({ typename: "FloorDiv", lineno, colno, left: quotient, right: ONE });
}
const ONE: Expr = { typename: "Literal", lineno: 0, colno: 0, value: 1 };
