import type {
  Block,
  Case,
  Expr,
  ExprList,
  Extends,
  FromImport,
  If,
  Import,
  Include,
  NodeList,
  Output,
  Pair,
  Root,
  Statement,
  SymbolNode,
  TemplateData,
} from "#render/ast.ts";
import { ExpressionParser } from "#render/parse/expression-parser.ts";
import { ReferenceParser } from "#render/parse/reference-parser.ts";
import type { Token } from "#render/parse/scanner.ts";
import { TokenReader } from "#render/parse/token-reader.ts";
import { withKeyword } from "#render/parse/with-keyword.ts";

export type ParseOptions = { readonly trimBlocks: boolean; readonly lstripBlocks: boolean; readonly isJinja: boolean };

/** A parsed template, with what compiling needs to know of it as a whole. */
export type ParsedTemplate = {
  readonly root: Root;
  /** All blocks, outer before inner. */
  readonly blocks: readonly Block[];
  /** The statements that name other templates. */
  readonly references: readonly (Extends | FromImport | Import | Include)[];
  /** Something is called outside of macros and blocks: evaluating the template twice may differ. */
  readonly callsAtTopLevel: boolean;
};

/** What is known of the part of a template that shares one set of variables. */
type UnitFacts = { depth: number; readonly setInside: Set<string>; hasCalls: boolean };

/**
 * Nunjucks' grammar of statements. The tree is the one that Nunjucks' own parser makes (test-node/render compares them); only `raw`
 * that is never closed is refused here, and unknown ends of input are named.
 */
export class TemplateParser {
  readonly #tokens: TokenReader;
  readonly #expressions: ExpressionParser;
  readonly #blocks: Block[] = [];
  readonly references: ReferenceParser;
  #unit: UnitFacts = { depth: 0, setInside: new Set(), hasCalls: false };
  #endNames: readonly string[] = [];
  #depth = 0;
  /** Tokens of bodies that count for themselves, and not for what is around them. */
  #tokensApart = 0;

  constructor(source: string, options: ParseOptions) {
    this.#tokens = new TokenReader(source, options);
    this.#expressions = new ExpressionParser(this.#tokens, options.isJinja);
    this.references = new ReferenceParser(this.#tokens, this.#expressions);
  }

  parse(): ParsedTemplate {
    const children = this.#statements();
    this.#unit.hasCalls ||= this.#expressions.hasCalls;
    const { setInside } = this.#unit;
    const weight = this.#tokens.count - this.#tokensApart;
    const root: Root = { typename: "Root", lineno: 0, colno: 0, weight, children, setInside };
    return { root, blocks: this.#blocks, references: this.references.all, callsAtTopLevel: this.#unit.hasCalls };
  }

  /** Statements up to the end, or up to a tag that ends the statement around them, which is left unread. */
  #statements(): Statement[] {
    const tokens = this.#tokens;
    const statements: Statement[] = [];
    for (;;) {
      const token = tokens.next();
      switch (token.type) {
        case "end":
          return statements;
        case "data":
          statements.push(this.#text(token));
          break;
        case "comment":
          tokens.dropsLeadingSpace = token.value.charAt(token.value.length - 3) === "-";
          break;
        case "variable-start":
          statements.push(this.#variable(token));
          break;
        default: {
          tokens.dropsLeadingSpace = false;
          const statement = this.#statement();
          if (statement === null) return statements;
          statements.push(statement);
        }
      }
    }
  }

  #text({ value, lineno, colno }: Token): Output {
    const tokens = this.#tokens;
    const text = tokens.dropsLeadingSpace ? value.trimStart() : value;
    tokens.dropsLeadingSpace = false;
    const next = tokens.peek();
    const isTag = next.type === "block-start" || next.type === "variable-start" || next.type === "comment";
    const kept = isTag && next.value.charAt(2) === "-" ? text.trimEnd() : text;
    const skippedLines = text === value ? 0 : value.slice(0, value.length - text.length).split("\n").length - 1;
    const data: TemplateData = { typename: "TemplateData", lineno, colno, value: kept, skippedLines };
    return { typename: "Output", lineno, colno, children: [data] };
  }

  #variable({ lineno, colno }: Token): Output {
    const tokens = this.#tokens;
    const expr = this.#expressions.expression();
    const end = tokens.peek();
    if (end.type !== "variable-end") tokens.fail("expected variable end");
    tokens.next();
    tokens.dropsLeadingSpace = end.value.startsWith("-");
    return { typename: "Output", lineno, colno, children: [expr] };
  }

  #body(...endNames: readonly string[]): NodeList {
    const outer = this.#endNames;
    this.#endNames = endNames;
    if (++this.#depth > NESTING_MAX) this.#tokens.fail(`statements nested deeper than ${NESTING_MAX} levels`);
    const children = this.#statements();
    this.#depth--;
    this.#endNames = outer;
    return { typename: "NodeList", lineno: 0, colno: 0, children };
  }

  /** Parses what runs, and is charged, on its own. */
  #weighed<T>(parse: () => T): { value: T; weight: number } {
    const before = this.#tokens.count - this.#tokensApart;
    const value = parse();
    const weight = this.#tokens.count - this.#tokensApart - before;
    this.#tokensApart += weight;
    return { value, weight };
  }

  #statement(): Statement | null {
    const tokens = this.#tokens;
    const tag = tokens.peek();
    if (tag.type !== "symbol") tokens.fail("tag name expected", tag);
    if (this.#endNames.includes(tag.value)) return null;
    const parse = STATEMENTS[tag.value];
    if (parse === undefined) return tokens.fail(`unknown block tag: ${tag.value}`, tag);
    tokens.next();
    return parse(this, tag);
  }

  raw(tag: Token): Output {
    const tokens = this.#tokens;
    const { lineno, colno } = tokens.endTag(tag.value);
    const { scanner } = tokens;
    const end = new RegExp(`\\{%\\s*(end)?${tag.value}\\s*%\\}`, "g");
    end.lastIndex = scanner.index;
    let depth = 1;
    for (let match = end.exec(scanner.source); match !== null; match = end.exec(scanner.source)) {
      depth += match[1] === undefined ? 1 : -1;
      if (depth > 0) continue;
      const value = scanner.source.slice(scanner.index, match.index);
      scanner.jumpTo(match.index + match[0].length);
      const data: TemplateData = { typename: "TemplateData", lineno, colno, value };
      return { typename: "Output", lineno, colno, children: [data] };
    }
    return tokens.fail(`${tag.value} is never closed`, tag);
  }

  if(tag: Token): If {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const cond = this.#expressions.expression();
    tokens.endTag(tag.value);
    const body = this.#body("elif", "elseif", "else", "endif");
    const typename = tag.value === "ifAsync" ? "IfAsync" : "If";
    const next = tokens.peek();
    if (tokens.isSymbol("elif", "elseif")) {
      tokens.next();
      if (++this.#depth > NESTING_MAX) tokens.fail(`more than ${NESTING_MAX} branches`);
      const otherwise = this.if(next);
      this.#depth--;
      return { typename, lineno, colno, cond, body, else_: otherwise };
    }
    if (!tokens.isSymbol("else", "endif")) tokens.fail("parseIf: expected elif, else, or endif, got end of file", tag);
    tokens.endNamedTag();
    if (next.value === "endif") return { typename, lineno, colno, cond, body, else_: null };
    const otherwise = this.#body("endif");
    this.#end("endif", tag);
    return { typename, lineno, colno, cond, body, else_: otherwise };
  }

  /** The end tag of a statement; `open` is where the statement began. */
  #end(name: string, open: Token): void {
    if (!this.#tokens.isSymbol(name)) this.#tokens.fail(`${open.value} is never closed: expected ${name}`, open);
    this.#tokens.endNamedTag();
  }

  for(tag: Token): Statement {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const [typename, endName] = LOOPS[tag.value] ?? (["For", "endfor"] as const);
    const first = this.#expressions.primary();
    if (first.typename !== "Symbol") return tokens.fail("parseFor: variable name expected for loop");
    const names: Expr[] = [first];
    while (tokens.skip("comma")) names.push(this.#expressions.primary());
    if (!tokens.skipSymbol("in")) tokens.fail('parseFor: expected "in" keyword for loop', tag);
    const arr = this.#expressions.expression();
    tokens.endTag(tag.value);
    this.#unit.depth++;
    const { value: body, weight } = this.#weighed(() => this.#body(endName, "else"));
    let otherwise: NodeList | null = null;
    if (tokens.skipSymbol("else")) {
      tokens.endTag("else");
      otherwise = this.#body(endName);
    }
    this.#unit.depth--;
    this.#end(endName, tag);
    const isSingle = names.length === 1;
    const name = isSingle
      ? first
      : ({ typename: "Array", lineno: first.lineno, colno: first.colno, children: names } as const);
    return { typename, lineno, colno, weight, arr, name, body, else_: otherwise };
  }

  set(tag: Token): Statement {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const targets: Expr[] = [this.#expressions.primary()];
    while (tokens.skip("comma")) targets.push(this.#expressions.primary());
    for (const target of targets) if (target.typename === "Symbol") this.#noteSet(target);
    if (tokens.skipValue("operator", "=")) {
      const value = this.#expressions.expression();
      tokens.endTag(tag.value);
      return { typename: "Set", lineno, colno, targets, value };
    }
    if (tokens.peek().type !== "block-end") tokens.fail("parseSet: expected = or block end in set tag", tag);
    tokens.endTag(tag.value);
    const body = this.#body("endset");
    this.#end("endset", tag);
    return { typename: "Set", lineno, colno, targets, value: null, body: { typename: "Capture", lineno, colno, body } };
  }

  #noteSet(target: SymbolNode): void {
    if (this.#unit.depth > 0) this.#unit.setInside.add(target.value);
  }

  switch(tag: Token): Statement {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const expr = this.#expressions.expression();
    tokens.endTag("switch");
    this.#body("case", "default", "endswitch");
    const cases: Case[] = [];
    do {
      const at = tokens.peek();
      tokens.skipSymbol("case");
      const cond = this.#expressions.expression();
      tokens.endTag("switch");
      const body = this.#body("case", "default", "endswitch");
      cases.push({ typename: "Case", lineno: at.lineno, colno: at.colno, cond, body });
    } while (tokens.isSymbol("case"));
    let otherwise: NodeList | null = null;
    if (tokens.isSymbol("default")) {
      tokens.endNamedTag();
      otherwise = this.#body("endswitch");
    }
    this.#end("endswitch", tag);
    return { typename: "Switch", lineno, colno, expr, cases, default: otherwise };
  }

  /** Parses what has variables of its own. */
  #inUnit<T>(parse: () => T): { value: T; facts: UnitFacts } {
    const outer = this.#unit;
    outer.hasCalls ||= this.#expressions.hasCalls;
    const facts: UnitFacts = { depth: 0, setInside: new Set(), hasCalls: false };
    this.#unit = facts;
    const value = parse();
    this.#unit = outer;
    this.#expressions.hasCalls = false;
    return { value, facts };
  }

  macro(tag: Token): Statement {
    const { lineno, colno } = tag;
    const name = this.#expressions.primaryAlone();
    // Defaults run with the body, each time.
    const { value, weight } = this.#weighed(() => {
      const args = this.#expressions.signature();
      this.#tokens.endTag(tag.value);
      return { args, body: this.#inUnit(() => this.#body("endmacro")).value };
    });
    this.#end("endmacro", tag);
    return { typename: "Macro", lineno, colno, weight, name, ...value };
  }

  call(tag: Token): Output {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const none: ExprList = { typename: "NodeList", lineno, colno, children: [] };
    const args = tokens.peek().type === "left-paren" ? this.#expressions.signature() : none;
    const callee = this.#expressions.primary();
    if (callee.typename !== "FunCall") return tokens.fail("call needs a macro with its arguments", tag);
    tokens.endTag(tag.value);
    this.#unit.depth++;
    const { value: body, weight } = this.#weighed(() => this.#body("endcall"));
    this.#unit.depth--;
    this.#end("endcall", tag);
    const name: SymbolNode = { typename: "Symbol", lineno, colno, value: "caller" };
    const pair: Pair = {
      typename: "Pair",
      lineno,
      colno,
      key: name,
      value: { typename: "Caller", lineno, colno, weight, name, args, body },
    };
    return { typename: "Output", lineno, colno, children: [withKeyword(callee, pair)] };
  }

  block(tag: Token): Block {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const name = this.#expressions.primary();
    if (name.typename !== "Symbol") return tokens.fail("parseBlock: variable name expected", tag);
    tokens.endTag(tag.value);
    const index = this.#blocks.length;
    // Outer blocks come before inner ones: the place is taken before the body is read.
    const setInside = new Set<string>();
    const placeholder: Block = { typename: "Block", lineno, colno, weight: 0, name, body: EMPTY_BODY, setInside };
    this.#blocks.push(placeholder);
    const { value: unit, weight } = this.#weighed(() => this.#inUnit(() => this.#body("endblock")));
    if (!tokens.skipSymbol("endblock")) tokens.fail("parseBlock: expected endblock, got end of file", tag);
    tokens.skipSymbol(name.value);
    tokens.endTag("endblock");
    const block: Block = { ...placeholder, weight, body: unit.value, setInside: unit.facts.setInside };
    this.#blocks[index] = block;
    return block;
  }

  filter(): Output {
    const name = this.#expressions.filterName();
    const { lineno, colno } = name;
    const rest = this.#expressions.filterArguments();
    this.#tokens.endTag("filter");
    const body = this.#body("endfilter");
    this.#end("endfilter", { type: "symbol", value: "filter", lineno, colno });
    const args: ExprList = {
      typename: "NodeList",
      lineno,
      colno,
      children: [{ typename: "Capture", lineno, colno, body }, ...rest],
    };
    return { typename: "Output", lineno, colno, children: [{ typename: "Filter", lineno, colno, name, args }] };
  }
}

/** Statements inside of statements; `elif` counts as one level each. */
const NESTING_MAX = 200;

const EMPTY_BODY: NodeList = { typename: "NodeList", lineno: 0, colno: 0, children: [] };

const LOOPS: Readonly<Record<string, readonly ["For" | "AsyncEach" | "AsyncAll", string]>> = {
  for: ["For", "endfor"],
  asyncEach: ["AsyncEach", "endeach"],
  asyncAll: ["AsyncAll", "endall"],
};

type ParseStatement = (parser: TemplateParser, tag: Token) => Statement;

const STATEMENTS: Readonly<Record<string, ParseStatement>> = Object.assign(Object.create(null) as object, {
  raw: (parser, tag) => parser.raw(tag),
  verbatim: (parser, tag) => parser.raw(tag),
  if: (parser, tag) => parser.if(tag),
  ifAsync: (parser, tag) => parser.if(tag),
  for: (parser, tag) => parser.for(tag),
  asyncEach: (parser, tag) => parser.for(tag),
  asyncAll: (parser, tag) => parser.for(tag),
  block: (parser, tag) => parser.block(tag),
  extends: (parser, tag) => parser.references.extends(tag),
  include: (parser, tag) => parser.references.include(tag),
  set: (parser, tag) => parser.set(tag),
  macro: (parser, tag) => parser.macro(tag),
  call: (parser, tag) => parser.call(tag),
  import: (parser, tag) => parser.references.import(tag),
  from: (parser, tag) => parser.references.from(tag),
  filter: (parser) => parser.filter(),
  switch: (parser, tag) => parser.switch(tag),
} satisfies Record<string, ParseStatement>);
