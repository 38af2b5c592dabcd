/**
 * Splits a template into tokens, as Nunjucks' lexer does, but by looking at characters once and slicing instead of building
 * strings: that lexer takes most of the time of a cold render. Lines and columns count from 0, as in its tree.
 */
export type TokenType =
  | "data"
  | "block-start"
  | "block-end"
  | "variable-start"
  | "variable-end"
  | "comment"
  | "string"
  | "int"
  | "float"
  | "boolean"
  | "none"
  | "symbol"
  | "regex"
  | "operator"
  | "left-paren"
  | "right-paren"
  | "left-bracket"
  | "right-bracket"
  | "left-curly"
  | "right-curly"
  | "comma"
  | "colon"
  | "tilde"
  | "pipe"
  | "end";

export type Token = {
  readonly type: TokenType;
  readonly value: string;
  readonly lineno: number;
  readonly colno: number;
};
export type RegexToken = Token & { readonly flags: string };

export type ScanOptions = { readonly trimBlocks: boolean; readonly lstripBlocks: boolean };

export class SyntaxFault extends Error {
  readonly lineno: number;
  readonly colno: number;
  constructor(message: string, at: { lineno: number; colno: number }) {
    super(message);
    this.lineno = at.lineno;
    this.colno = at.colno;
  }
}

const enumerate = (chars: string): Uint8Array => {
  const table = new Uint8Array(256);
  for (const char of chars) table[char.charCodeAt(0)] = 1;
  return table;
};
const IS_SPACE = enumerate(" \n\t\r\u00A0");
const IS_DELIMITER = enumerate("()[]{}%*-+~/#,:|.<>=!");

const PUNCTUATION: Readonly<Record<string, TokenType>> = {
  "(": "left-paren",
  ")": "right-paren",
  "[": "left-bracket",
  "]": "right-bracket",
  "{": "left-curly",
  "}": "right-curly",
  ",": "comma",
  ":": "colon",
  "~": "tilde",
  "|": "pipe",
};

/** Compared one by one: to look a word up in a table, V8 first looks for it among all keys that it knows. */
const typeOfWord = (word: string): TokenType => {
  if (word === "true" || word === "false") return "boolean";
  return word === "none" || word === "null" ? "none" : "symbol";
};

/** How long the operator is that starts with these characters. */
const operatorLength = (first: string, second: string | undefined, third: string | undefined): number => {
  if (second === first && (first === "/" || first === "*")) return 2;
  if (second !== "=" || (first !== "=" && first !== "!" && first !== "<" && first !== ">")) return 1;
  return third === "=" && (first === "=" || first === "!") ? 3 : 2;
};

export class Scanner {
  readonly source: string;
  index = 0;
  #line = 0;
  #lineStart = 0;
  /** Where the line ends: found once, and not again for each token of it. */
  #lineEnd: number;
  #isCode = false;
  readonly #options: ScanOptions;

  constructor(source: string, options: ScanOptions) {
    this.source = source;
    this.#options = options;
    this.#lineEnd = lineEndFrom(source, 0);
  }

  next(): Token {
    if (this.#isCode) return this.#nextCode();
    return this.#nextText();
  }

  /** Goes on after what was found by looking at the source itself (`raw`). */
  jumpTo(index: number): void {
    this.index = index;
    if (index > this.#lineEnd) this.#countLines();
  }

  #position(): { lineno: number; colno: number } {
    return { lineno: this.#line, colno: this.index - this.#lineStart };
  }

  #countLines(): void {
    while (this.index > this.#lineEnd) {
      this.#line++;
      this.#lineStart = this.#lineEnd + 1;
      this.#lineEnd = lineEndFrom(this.source, this.#lineStart);
    }
  }

  /** The token from here to `end`, behind which scanning goes on. */
  #take(type: TokenType, end: number, value?: string): Token {
    const lineno = this.#line;
    const colno = this.index - this.#lineStart;
    const text = value ?? this.source.slice(this.index, end);
    this.jumpTo(end);
    return { type, value: text, lineno, colno };
  }

  #nextText(): Token {
    const { source, index } = this;
    if (index >= source.length) return this.#take("end", index);
    if (source[index] === "{") {
      const kind = source[index + 1];
      if (kind === "%" || kind === "{") {
        this.#isCode = true;
        const end = source[index + 2] === "-" ? index + 3 : index + 2;
        return this.#take(kind === "%" ? "block-start" : "variable-start", end);
      }
      if (kind === "#") return this.#comment();
    }
    return this.#data();
  }

  #comment(): Token {
    const close = this.source.indexOf("#}", this.index + 2);
    if (close === -1) throw new SyntaxFault("expected end of comment, got end of file", this.#position());
    return this.#take("comment", close + 2);
  }

  #data(): Token {
    const { source, index } = this;
    let end = index;
    for (; end < source.length; end++) {
      const char = source.charCodeAt(end);
      if (char === 0x7b) {
        const next = source.charCodeAt(end + 1);
        if (next === 0x25 || next === 0x7b || next === 0x23) break;
      } else if (char === 0x23 && source.charCodeAt(end + 1) === 0x7d) {
        throw new SyntaxFault("unexpected end of comment", this.#position());
      }
    }
    const token = this.#take("data", end);
    return this.#options.lstripBlocks && source.startsWith("{%", end) ? this.#stripLine(token) : token;
  }

  /** Takes the white space before a block away, where nothing else precedes it in its line. */
  #stripLine(token: Token): Token {
    const colno = this.index - this.#lineStart;
    if (colno === 0 || colno > token.value.length) return token;
    if (this.source.slice(this.#lineStart, this.index).trim() !== "") return token;
    const value = token.value.slice(0, -colno);
    return value === "" ? this.#nextText() : { ...token, value };
  }

  #nextCode(): Token {
    const { source } = this;
    let { index } = this;
    while (IS_SPACE[source.charCodeAt(index)] === 1) index++;
    this.jumpTo(index);
    if (index >= source.length) return this.#take("end", index);
    const char = source.charAt(index);
    if (char === '"' || char === "'") return this.#string(char);
    const tagEnd = this.#tagEnd(char);
    if (tagEnd !== null) return tagEnd;
    if (char === "r" && source[index + 1] === "/") return this.#regex();
    return IS_DELIMITER[source.charCodeAt(index)] === 1 ? this.#operator(char) : this.#word();
  }

  #tagEnd(char: string): Token | null {
    const { source, index } = this;
    const start = char === "-" ? index + 1 : index;
    const first = source[start];
    if (source[start + 1] !== "}" || (first !== "%" && first !== "}")) return null;
    this.#isCode = false;
    const token = this.#take(first === "%" ? "block-end" : "variable-end", start + 2);
    if (first === "%" && this.#options.trimBlocks) {
      if (source[this.index] === "\n") this.jumpTo(this.index + 1);
      else if (source.startsWith("\r\n", this.index)) this.jumpTo(this.index + 2);
    }
    return token;
  }

  #string(quote: string): Token {
    const { source } = this;
    let text = "";
    let from = this.index + 1;
    let at = from;
    for (; at < source.length && source[at] !== quote; at++) {
      if (source[at] !== "\\") continue;
      text += source.slice(from, at);
      at++;
      text += ESCAPED[source[at] ?? ""] ?? source[at] ?? "";
      from = at + 1;
    }
    text += source.slice(from, at);
    return this.#take("string", Math.min(at + 1, source.length), text);
  }

  #regex(): Token {
    const { source, index } = this;
    let end = index + 2;
    while (end < source.length && (source[end] !== "/" || source[end - 1] === "\\")) end++;
    const body = source.slice(index + 2, end);
    let flagsEnd = Math.min(end + 1, source.length);
    while ("gimy".includes(source[flagsEnd] ?? " ")) flagsEnd++;
    const flags = source.slice(end + 1, flagsEnd);
    const regex: RegexToken = { ...this.#take("regex", flagsEnd, body), flags };
    return regex;
  }

  #operator(char: string): Token {
    const { source, index } = this;
    const length = operatorLength(char, source[index + 1], source[index + 2]);
    return this.#take(length === 1 ? (PUNCTUATION[char] ?? "operator") : "operator", index + length);
  }

  #word(): Token {
    const { source, index } = this;
    let end = index + 1;
    while (end < source.length && !isWordEnd(source.charCodeAt(end))) end++;
    const word = source.slice(index, end);
    if (!isDigit(word.charCodeAt(0)) || !/^[0-9]+$/.test(word)) return this.#take(typeOfWord(word), end, word);
    if (source[end] !== ".") return this.#take("int", end);
    end++;
    while (isDigit(source.charCodeAt(end))) end++;
    return this.#take("float", end);
  }
}

/** Behind the last line there is no end. */
function lineEndFrom(source: string, start: number): number {
  const end = source.indexOf("\n", start);
  return end === -1 ? Infinity : end;
}

const ESCAPED: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };
const isWordEnd = (code: number) => code < 256 && (IS_SPACE[code] === 1 || IS_DELIMITER[code] === 1);
const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
