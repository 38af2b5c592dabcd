/**
 * Splits a value into words as the generator does (it follows systemd's extract_first_word), quirks included: an empty
 * quoted word ends the list and drops what follows; an unknown escape makes the whole line vanish; `\xNN` is a code
 * point, not a byte. Each word knows where in the value it begins, so that findings can point at it.
 */
export type Word = { readonly text: string; readonly offset: number };

export type SplitWords = {
  readonly words: readonly Word[];
  /** Offset of the backslash whose escape nobody knows: the generator drops every word of this value. */
  readonly badEscapeAt: number | null;
  /** Offset of the quote that is never closed: as words the whole value is dropped, as args its rest is one word. */
  readonly openQuoteAt: number | null;
  /** Offset of an empty quoted word: it and everything behind it is dropped. */
  readonly emptyWordAt: number | null;
};

export type WordStyle = "words" | "args";

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
  s: " ",
};
const HEX_ESCAPES = [/^x([0-9A-Fa-f]{2})/, /^u([0-9A-Fa-f]{4})/, /^U([0-9A-Fa-f]{8})/] as const;

/** Undoes one C escape; `rest` begins behind the backslash. Null for what the generator refuses, NUL among it. */
function unescapeOne(rest: string): { text: string; length: number } | null {
  const simple = SIMPLE_ESCAPES[rest.charAt(0)];
  if (simple !== undefined) return { text: simple, length: 1 };
  const octal = /^[0-7]{3}/.exec(rest);
  const hexadecimal = HEX_ESCAPES.map((pattern) => pattern.exec(rest)).find((match) => match !== null);
  const code = octal ? Number.parseInt(octal[0], 8) : Number.parseInt(hexadecimal?.[1] ?? "", 16);
  const isInRange = octal ? code <= 255 : code <= 0x10ffff;
  if (Number.isNaN(code) || code === 0 || !isInRange) return null;
  // A lone surrogate has no UTF-8: the generator writes the replacement character.
  const text = code >= 0xd800 && code <= 0xdfff ? "\ufffd" : String.fromCodePoint(code);
  return { text, length: octal ? 3 : (hexadecimal?.[0].length ?? 0) };
}

const isSeparator = (character: string) =>
  character === " " || character === "\t" || character === "\n" || character === "\r";

/** Most values have no quotes and no escapes: their words are what stands between white space. */
// oxlint-disable-next-line no-control-regex
const NOT_SIMPLE = /["'\\\u0000]/;

function splitSimple(value: string): SplitWords {
  const words: Word[] = [];
  let from = -1;
  for (let at = 0; at <= value.length; at += 1) {
    const isEnd = at === value.length || isSeparator(value.charAt(at));
    if (!isEnd && from === -1) from = at;
    if (!isEnd || from === -1) continue;
    words.push({ text: value.slice(from, at), offset: from });
    from = -1;
  }
  return { words, badEscapeAt: null, openQuoteAt: null, emptyWordAt: null };
}

export function splitWords(value: string, style: WordStyle): SplitWords {
  if (!NOT_SIMPLE.test(value)) return splitSimple(value);
  const nul = value.indexOf("\0");
  const text = nul === -1 ? value : value.slice(0, nul);
  const words: Word[] = [];
  let openQuoteAt: number | null = null;
  let at = 0;
  for (;;) {
    while (isSeparator(text.charAt(at))) at += 1;
    if (at >= text.length) break;
    const offset = at;
    let word = "";
    let quote = "";
    let quoteAt = 0;
    while (at < text.length && (quote !== "" || !isSeparator(text.charAt(at)))) {
      const character = text.charAt(at);
      if (character === "\\" && style === "args") {
        // A backslash at the very end is eaten.
        if (at + 1 >= text.length) {
          at += 1;
          break;
        }
        const escape = unescapeOne(text.slice(at + 1, at + 10));
        if (escape === null) return { words: [], badEscapeAt: at, openQuoteAt: null, emptyWordAt: null };
        word += escape.text;
        at += 1 + escape.length;
        continue;
      }
      at += 1;
      if (quote !== "" ? character === quote : character === '"' || character === "'") {
        quote = quote === "" ? character : "";
        quoteAt = at - 1;
      } else {
        word += character;
      }
    }
    if (quote !== "") {
      // Words (systemd's strv) refuse an open quote: nothing of this value counts. Args take the rest as one word.
      if (style === "words") return { words: [], badEscapeAt: null, openQuoteAt: quoteAt, emptyWordAt: null };
      openQuoteAt = quoteAt;
    }
    if (word === "") return { words, badEscapeAt: null, openQuoteAt, emptyWordAt: offset };
    words.push({ text: word, offset });
  }
  return { words, badEscapeAt: null, openQuoteAt, emptyWordAt: null };
}
