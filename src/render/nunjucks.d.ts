/** The parts of Nunjucks 3.2.4 that the engine uses: its lexer and its parser. Neither evaluates code. */
declare module "nunjucks/src/lexer.js" {
  export type Token = { type: string; value: string; lineno: number; colno: number };
  export type Tokenizer = {
    readonly str: string;
    index: number;
    nextToken(): Token | null;
    forwardN(count: number): void;
  };
  const lexer: { lex(source: string, options: { trimBlocks: boolean; lstripBlocks: boolean }): Tokenizer };
  export default lexer;
}

declare module "nunjucks/src/nodes.js" {
  type Ast = typeof import("./ast.ts");
  type Expr = import("./ast.ts").Expr;
  type Make<A extends unknown[], T> = new (lineno: number, colno: number, ...fields: A) => T;
  const nodes: {
    Array: Make<[Expr[]?], import("./ast.ts").ArrayNode>;
    Literal: Make<[string | number | boolean | null], import("./ast.ts").Literal>;
    Output: Make<[import("./ast.ts").Expr[]], import("./ast.ts").Output>;
    TemplateData: Make<[string], import("./ast.ts").TemplateData>;
  };
  export default nodes;
}

declare module "nunjucks/src/parser.js" {
  import type { Token, Tokenizer } from "nunjucks/src/lexer.js";
  class Parser {
    constructor(tokens: Tokenizer);
    readonly tokens: Tokenizer;
    nextToken(withWhitespace?: boolean): Token | null;
    peekToken(): Token | null;
    skip(type: string): boolean;
    fail(message: string, lineno?: number, colno?: number): never;
    advanceAfterBlockEnd(name?: string): Token;
    parseAggregate(): import("./ast.ts").Expr | null;
    parseExpression(): import("./ast.ts").Expr;
    parseRaw(tagName?: string): import("./ast.ts").Output;
    parseAsRoot(): import("./ast.ts").Root;
  }
  const parser: { Parser: typeof Parser };
  export default parser;
}
