import { Scanner, type ScanOptions, SyntaxFault, type Token, type TokenType } from "#render/parse/scanner.ts";

/** The tokens of a template with one token of look-ahead, and the white-space control that crosses tokens. */
export class TokenReader {
  readonly scanner: Scanner;
  #peeked: Token | null = null;
  /** How many tokens were taken; what takes longer to run than a token counts as several. */
  count = 0;
  /** The next text loses its leading white space: the tag before it ended with `-`. */
  dropsLeadingSpace = false;

  constructor(source: string, options: ScanOptions) {
    this.scanner = new Scanner(source, options);
  }

  next(): Token {
    this.count++;
    const token = this.#peeked ?? this.scanner.next();
    this.#peeked = null;
    return token;
  }

  peek(): Token {
    return (this.#peeked ??= this.scanner.next());
  }

  fail(message: string, at: { lineno: number; colno: number } = this.peek()): never {
    throw new SyntaxFault(message, at);
  }

  skip(type: TokenType): boolean {
    if (this.peek().type !== type) return false;
    this.count++;
    this.#peeked = null;
    return true;
  }

  skipValue(type: TokenType, value: string): boolean {
    const token = this.peek();
    if (token.type !== type || token.value !== value) return false;
    this.count++;
    this.#peeked = null;
    return true;
  }

  skipSymbol(name: string): boolean {
    return this.skipValue("symbol", name);
  }

  isSymbol(...names: readonly string[]): boolean {
    const token = this.peek();
    return token.type === "symbol" && names.includes(token.value);
  }

  expect(type: TokenType): Token {
    const token = this.next();
    return token.type === type ? token : this.fail(`expected ${type}, got ${token.type}`, token);
  }

  /** The end of a statement's tag. */
  endTag(statement: string): Token {
    const token = this.peek();
    if (token.type !== "block-end") this.fail(`expected block end in ${statement} statement`);
    if (token.value.startsWith("-")) this.dropsLeadingSpace = true;
    return this.next();
  }

  /** A tag of one word, like `endif`, which was seen already. */
  endNamedTag(): Token {
    const token = this.next();
    if (token.type !== "symbol") this.fail("expected the name of a tag", token);
    return this.endTag(token.value);
  }
}
