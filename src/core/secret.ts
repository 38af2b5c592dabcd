const MASK = "[secret]";

/**
 * Bytes that must not be printed. Whatever turns it into text by accident (a template, JSON, a log, an inspection)
 * gets `[secret]`; only `reveal` gives the bytes, so that a search for it lists every place where plaintext is used.
 */
export class Secret {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor(bytes: Uint8Array) {
    this.#bytes = new Uint8Array(bytes);
  }

  static ofText(text: string): Secret {
    return new Secret(new TextEncoder().encode(text));
  }

  get sizeBytes(): number {
    return this.#bytes.byteLength;
  }

  reveal(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [Symbol.toPrimitive](): string {
    return MASK;
  }

  get [Symbol.toStringTag](): string {
    return MASK;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return MASK;
  }
}
