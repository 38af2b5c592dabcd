import type { Extends, FromImport, Import, Include, Pair, SymbolNode } from "#render/ast.ts";
import type { ExpressionParser } from "#render/parse/expression-parser.ts";
import type { Token } from "#render/parse/scanner.ts";
import type { TokenReader } from "#render/parse/token-reader.ts";

/** The statements that name other templates. */
export class ReferenceParser {
  readonly #tokens: TokenReader;
  readonly #expressions: ExpressionParser;
  /** Those that were read so far, in their order. */
  readonly all: (Extends | FromImport | Import | Include)[] = [];

  constructor(tokens: TokenReader, expressions: ExpressionParser) {
    this.#tokens = tokens;
    this.#expressions = expressions;
  }

  extends(tag: Token): Extends {
    const template = this.#expressions.expression();
    this.#tokens.endTag(tag.value);
    const node: Extends = { typename: "Extends", lineno: tag.lineno, colno: tag.colno, template };
    this.all.push(node);
    return node;
  }

  include(tag: Token): Include {
    const template = this.#expressions.expression();
    const ignoreMissing = this.#tokens.skipSymbol("ignore") && this.#tokens.skipSymbol("missing") ? true : null;
    this.#tokens.endTag(tag.value);
    const node: Include = { typename: "Include", lineno: tag.lineno, colno: tag.colno, template, ignoreMissing };
    this.all.push(node);
    return node;
  }

  import(tag: Token): Import {
    const template = this.#expressions.expression();
    if (!this.#tokens.skipSymbol("as")) this.#tokens.fail('parseImport: expected "as" keyword', tag);
    const target = this.#expressions.expression();
    const withContext = this.#withContext();
    this.#tokens.endTag(tag.value);
    const node: Import = { typename: "Import", lineno: tag.lineno, colno: tag.colno, template, target, withContext };
    this.all.push(node);
    return node;
  }

  from(tag: Token): FromImport {
    const tokens = this.#tokens;
    const { lineno, colno } = tag;
    const template = this.#expressions.expression();
    if (!tokens.skipSymbol("import")) tokens.fail("parseFrom: expected import", tag);
    const children: (SymbolNode | Pair)[] = [];
    let withContext: boolean | null = null;
    while (tokens.peek().type !== "block-end") {
      if (children.length > 0 && !tokens.skip("comma")) tokens.fail("parseFrom: expected comma", tag);
      const name = this.#importName();
      const alias = tokens.skipSymbol("as") ? this.#importName() : null;
      children.push(
        alias === null ? name : { typename: "Pair", lineno: name.lineno, colno: name.colno, key: name, value: alias },
      );
      withContext = this.#withContext();
    }
    if (children.length === 0) tokens.fail("parseFrom: Expected at least one import name", tag);
    tokens.endTag(tag.value);
    const names: FromImport["names"] = { typename: "NodeList", lineno: 0, colno: 0, children };
    const node: FromImport = { typename: "FromImport", lineno, colno, template, names, withContext };
    this.all.push(node);
    return node;
  }

  #importName(): SymbolNode {
    const name = this.#expressions.primary();
    if (name.typename !== "Symbol") return this.#tokens.fail("parseFrom: expected a name", name);
    if (name.value.startsWith("_")) {
      this.#tokens.fail("parseFrom: names starting with an underscore cannot be imported", name);
    }
    return name;
  }

  #withContext(): boolean | null {
    const isWith = this.#tokens.isSymbol("with") ? true : this.#tokens.isSymbol("without") ? false : null;
    if (isWith === null) return null;
    this.#tokens.next();
    if (!this.#tokens.skipSymbol("context")) this.#tokens.fail("parseFrom: expected context after with/without");
    return isWith;
  }
}
