/**
 * A text that the engine itself made: the result of a macro, a caller, `super()` or `| safe`, exempt from autoescape.
 * `isUnitText` says that each part of it was checked or quoted for unit files when it was printed, so that printing the whole
 * needs no second check (DESIGN 8). The text is private: a template must not reach it as a property.
 */
export class SafeString {
  readonly #text: string;
  readonly #isUnitText: boolean;

  constructor(text: string, isUnitText = false) {
    this.#text = text;
    this.#isUnitText = isUnitText;
  }
  toString() {
    return this.#text;
  }
  valueOf() {
    return this.#text;
  }
  get isUnitText() {
    return this.#isUnitText;
  }
  get length() {
    return this.#text.length;
  }
}

/**
 * The text of `{% set x %}...{% endset %}` in a unit file. It behaves as the plain string that Nunjucks makes, and remembers
 * that its parts were checked.
 */
export class CapturedText extends SafeString {
  constructor(text: string) {
    super(text, true);
  }
}

/** A text of the same kind as the value it was made from, as Nunjucks' `copySafeness`. */
export const likeInput = (input: unknown, text: string): unknown =>
  input instanceof SafeString && !(input instanceof CapturedText) ? new SafeString(text) : text;
