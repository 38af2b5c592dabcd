/** A set of ASCII characters that texts are held against: a look into a table is several times faster than a regular expression. */
export class CharSet {
  readonly #table = new Uint8Array(128);

  constructor(chars: string) {
    for (const char of chars) this.#table[char.charCodeAt(0)] = 1;
  }

  /** Whether the character at `index` is one of them; past the end of the text there is none. */
  hasAt(text: string, index: number): boolean {
    return index < text.length && this.#table[text.charCodeAt(index)] === 1;
  }

  /** Whether all characters of the text are in the set; so are those of the empty text. */
  hasAllOf(text: string): boolean {
    const table = this.#table;
    for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false;
    return true;
  }
}

export const DIGITS = "0123456789";
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
