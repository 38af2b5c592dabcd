import type {
  ArrayNode,
  Binary,
  Compare,
  CompareOperand,
  CompareType,
  Dict,
  Expr,
  ExprList,
  Group,
  KeywordArgs,
  Literal,
  Pair,
  Slice,
  SymbolNode,
} from "#render/ast.ts";
import type { RegexToken, Token } from "#render/parse/scanner.ts";
import type { TokenReader } from "#render/parse/token-reader.ts";

type At = { readonly lineno: number; readonly colno: number };

/** Each arithmetic operator has a level of its own, as in Nunjucks; higher binds tighter, and all are left associative. */
const LEVELS: Readonly<Record<string, readonly [level: number, typename: Binary["typename"]]>> = {
  "~": [1, "Concat"],
  "+": [2, "Add"],
  "-": [3, "Sub"],
  "*": [4, "Mul"],
  "/": [5, "Div"],
  "//": [6, "FloorDiv"],
  "%": [7, "Mod"],
  "**": [8, "Pow"],
};
const COMPARISONS: ReadonlySet<string> = new Set(["==", "===", "!=", "!==", "<", ">", "<=", ">="]);

const literal = ({ lineno, colno }: At, value: Literal["value"]): Literal => ({
  typename: "Literal",
  lineno,
  colno,
  value,
});
const symbol = ({ lineno, colno, value }: Token): SymbolNode => ({ typename: "Symbol", lineno, colno, value });
const binary = (typename: Binary["typename"], left: Expr, right: Expr): Binary => ({
  typename,
  lineno: left.lineno,
  colno: left.colno,
  left,
  right,
});

/** Expressions in Nunjucks' grammar; `isJinja` adds the slices of its Jinja mode. */
export class ExpressionParser {
  readonly tokens: TokenReader;
  readonly #isJinja: boolean;
  /** Whether a function was called since this was last set to false. */
  hasCalls = false;
  #depth = 0;

  constructor(tokens: TokenReader, isJinja: boolean) {
    this.tokens = tokens;
    this.#isJinja = isJinja;
  }

  expression(): Expr {
    this.#deeper();
    const body = this.#or();
    const node = this.tokens.skipSymbol("if") ? this.#inlineIf(body) : body;
    this.#depth--;
    return node;
  }

  #inlineIf(body: Expr): Expr {
    const cond = this.#or();
    const otherwise = this.tokens.skipSymbol("else") ? this.#or() : null;
    return { typename: "InlineIf", lineno: body.lineno, colno: body.colno, cond, body, else_: otherwise };
  }

  #deeper(): void {
    if (++this.#depth > NESTING_MAX) this.tokens.fail(`an expression nested deeper than ${NESTING_MAX} levels`);
  }

  /** Counts the links of a chain (`a + b + c`, `a.b.c`, `a | f | g`), each of which is one level of the tree. */
  #link(count: number): number {
    if (count > CHAIN_MAX) this.tokens.fail(`more than ${CHAIN_MAX} operators, members or filters in one row`);
    return count + 1;
  }

  #or(): Expr {
    let left = this.#and();
    for (let links = 0; this.tokens.skipSymbol("or"); links = this.#link(links)) left = binary("Or", left, this.#and());
    return left;
  }

  #and(): Expr {
    let left = this.#not();
    for (let links = 0; this.tokens.skipSymbol("and"); links = this.#link(links))
      left = binary("And", left, this.#not());
    return left;
  }

  #not(): Expr {
    const { lineno, colno } = this.tokens.peek();
    if (!this.tokens.skipSymbol("not")) return this.#in();
    this.#deeper();
    const target = this.#not();
    this.#depth--;
    return { typename: "Not", lineno, colno, target };
  }

  #in(): Expr {
    let left = this.#is();
    for (let links = 0; ; links = this.#link(links)) {
      const isInverted = this.tokens.skipSymbol("not");
      if (!this.tokens.skipSymbol("in")) {
        if (isInverted) this.tokens.fail("expected in after not");
        return left;
      }
      const { lineno, colno } = left;
      left = binary("In", left, this.#is());
      if (isInverted) left = { typename: "Not", lineno, colno, target: left };
    }
  }

  #is(): Expr {
    const left = this.#compare();
    if (!this.tokens.skipSymbol("is")) return left;
    const isInverted = this.tokens.skipSymbol("not");
    const { lineno, colno } = left;
    const right = this.#compare();
    const is: Expr = { typename: "Is", lineno, colno, left, right };
    return isInverted ? { typename: "Not", lineno, colno, target: is } : is;
  }

  #compare(): Expr {
    const expr = this.#arithmetic(1);
    const ops: CompareOperand[] = [];
    while (COMPARISONS.has(this.tokens.peek().value) && this.tokens.peek().type === "operator") {
      this.#link(ops.length);
      const { lineno, colno, value } = this.tokens.next();
      const operand = this.#arithmetic(1);
      ops.push({ typename: "CompareOperand", lineno, colno, expr: operand, type: value as CompareType });
    }
    const [first] = ops;
    if (first === undefined) return expr;
    const compare: Compare = { typename: "Compare", lineno: first.lineno, colno: first.colno, expr, ops };
    return compare;
  }

  #arithmetic(levelMin: number): Expr {
    let left = this.#unary(true);
    for (let links = 0; ; links = this.#link(links)) {
      const { type, value } = this.tokens.peek();
      const operator = type === "operator" || type === "tilde" ? LEVELS[value] : undefined;
      if (operator === undefined || operator[0] < levelMin) return left;
      this.tokens.next();
      left = binary(operator[1], left, this.#arithmetic(operator[0] + 1));
    }
  }

  #unary(takesFilters: boolean): Expr {
    const { lineno, colno, type, value } = this.tokens.peek();
    let node: Expr;
    if (type === "operator" && (value === "-" || value === "+")) {
      this.tokens.next();
      this.#deeper();
      node = { typename: value === "-" ? "Neg" : "Pos", lineno, colno, target: this.#unary(false) };
      this.#depth--;
    } else node = this.primary();
    return takesFilters ? this.#filters(node) : node;
  }

  primary(): Expr {
    return this.#postfix(this.primaryAlone());
  }

  /** A literal, name, list, mapping or parentheses, without what may follow it. */
  primaryAlone(): Expr {
    const token = this.tokens.next();
    switch (token.type) {
      case "string":
        return literal(token, token.value);
      case "int":
        return literal(token, Number.parseInt(token.value, 10));
      case "float":
        return literal(token, Number.parseFloat(token.value));
      case "boolean":
        return literal(token, token.value === "true");
      case "none":
        return literal(token, null);
      case "regex":
        return literal(token, regexOf(this.tokens, token as RegexToken));
      case "symbol":
        return symbol(token);
      case "left-paren":
        return this.#group(token);
      case "left-bracket":
        return this.#list(token);
      case "left-curly":
        return this.#dict(token);
      case "end":
        return this.tokens.fail("expected expression, got end of file", token);
      default:
        return this.tokens.fail(`unexpected token: ${token.value}`, token);
    }
  }

  /** What is inside brackets, whichever kind closes them: Nunjucks does not look. */
  #enclosed<T>(open: Token, item: () => T): T[] {
    const items: T[] = [];
    while (!CLOSING.has(this.tokens.peek().type)) {
      if (items.length > 0 && !this.tokens.skip("comma")) {
        this.tokens.fail("parseAggregate: expected comma after expression", open);
      }
      items.push(item());
    }
    this.tokens.next();
    return items;
  }

  #group(open: Token): Group {
    const children = this.#enclosed(open, () => this.expression());
    return { typename: "Group", lineno: open.lineno, colno: open.colno, children };
  }

  #list(open: Token): ArrayNode {
    const children = this.#enclosed(open, () => (this.#isJinja ? this.#sliceOrExpression(open) : this.expression()));
    return { typename: "Array", lineno: open.lineno, colno: open.colno, children };
  }

  #dict(open: Token): Dict {
    const children = this.#enclosed(open, (): Pair => {
      const key = this.primary();
      if (!this.tokens.skip("colon")) this.tokens.fail("parseAggregate: expected colon after dict key", open);
      return { typename: "Pair", lineno: key.lineno, colno: key.colno, key, value: this.expression() };
    });
    return { typename: "Dict", lineno: open.lineno, colno: open.colno, children };
  }

  #sliceOrExpression(open: Token): Expr {
    const start = this.tokens.peek().type === "colon" ? null : this.expression();
    if (!this.tokens.skip("colon")) return start ?? this.tokens.fail("expected an expression");
    const isGiven = () => !CLOSING.has(this.tokens.peek().type) && this.tokens.peek().type !== "colon";
    const stop = isGiven() ? this.expression() : literal(open, null);
    const step = this.tokens.skip("colon") && isGiven() ? this.expression() : literal(open, 1);
    const { lineno, colno } = open;
    const slice: Slice = { typename: "Slice", lineno, colno, start: start ?? literal(open, null), stop, step };
    return slice;
  }

  #postfix(primary: Expr): Expr {
    let node = primary;
    for (let links = 0; ; links = this.#link(links)) {
      const { type, value, lineno, colno } = this.tokens.peek();
      if (type === "left-paren") {
        this.hasCalls = true;
        node = { typename: "FunCall", lineno, colno, name: node, args: this.signature() };
      } else if (type === "left-bracket") {
        const [val, ...more] = this.#list(this.tokens.next()).children;
        if (val === undefined || more.length > 0) return this.tokens.fail("invalid index", { lineno, colno });
        node = { typename: "LookupVal", lineno, colno, target: node, val };
      } else if (type === "operator" && value === ".") {
        this.tokens.next();
        const key = this.tokens.next();
        if (key.type !== "symbol") this.tokens.fail(`expected name as lookup value, got ${key.value}`, key);
        node = { typename: "LookupVal", lineno, colno, target: node, val: literal(key, key.value) };
      } else return node;
    }
  }

  /** Arguments or parameters in parentheses; named ones are gathered into one last KeywordArgs. */
  signature(): ExprList {
    const open = this.tokens.next();
    const { lineno, colno } = open;
    if (open.type !== "left-paren") this.tokens.fail("expected arguments", open);
    const children: Expr[] = [];
    const named: Pair[] = [];
    for (let isFirst = true; !this.tokens.skip("right-paren"); isFirst = false) {
      if (!isFirst && !this.tokens.skip("comma")) this.tokens.fail("parseSignature: expected comma after expression");
      const key = this.expression();
      if (!this.tokens.skipValue("operator", "=")) children.push(key);
      else named.push({ typename: "Pair", lineno: key.lineno, colno: key.colno, key, value: this.expression() });
    }
    const keywords: KeywordArgs = { typename: "KeywordArgs", lineno, colno, children: named };
    if (named.length > 0) children.push(keywords);
    return { typename: "NodeList", lineno, colno, children };
  }

  #filters(input: Expr): Expr {
    let node = input;
    for (let links = 0; this.tokens.skip("pipe"); links = this.#link(links)) {
      const name = this.filterName();
      const { lineno, colno } = name;
      this.tokens.count += FILTER_WEIGHT;
      const args: ExprList = { typename: "NodeList", lineno, colno, children: [node, ...this.filterArguments()] };
      node = { typename: "Filter", lineno, colno, name, args };
    }
    return node;
  }

  filterName(): SymbolNode {
    const first = this.tokens.expect("symbol");
    let name = first.value;
    while (this.tokens.skipValue("operator", ".")) name += `.${this.tokens.expect("symbol").value}`;
    return { typename: "Symbol", lineno: first.lineno, colno: first.colno, value: name };
  }

  filterArguments(): readonly Expr[] {
    if (this.tokens.peek().type !== "left-paren") return [];
    const { children } = this.signature();
    const { type, value } = this.tokens.peek();
    const isPostfix = type === "left-paren" || type === "left-bracket" || (type === "operator" && value === ".");
    return isPostfix ? this.tokens.fail("a filter's result needs parentheses before this") : children;
  }
}

/** Levels of an expression that nobody writes: deeper trees could exhaust the stack of whoever walks them. */
const NESTING_MAX = 100;
const CHAIN_MAX = 400;
/** To call a filter takes as long as this many tokens more. */
const FILTER_WEIGHT = 4;

const CLOSING: ReadonlySet<string> = new Set(["right-paren", "right-bracket", "right-curly"]);

function regexOf(tokens: TokenReader, token: RegexToken): RegExp {
  try {
    return new RegExp(token.value, token.flags);
  } catch {
    return tokens.fail(`invalid regular expression: ${token.value}`, token);
  }
}
