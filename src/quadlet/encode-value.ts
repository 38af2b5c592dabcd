import { err, ok, type Result } from "#core/result.ts";
import type { KeyKind } from "#quadlet/quadlet-keys.ts";

export type EncodeRefusal =
  | "empty"
  | "control_character"
  | "lone_surrogate"
  | "both_quotes"
  | "outer_quote"
  | "outer_space"
  | "trailing_backslash"
  | "no_equals_sign";

export type EncodeOptions = {
  /**
   * Leave `%` and `$` as they are, for a value that systemd is meant to expand (`%h/site`). By default both are doubled: the value
   * ends up in a command line of systemd, which would expand them.
   */
  readonly isExpanded?: boolean;
};

const double = (text: string, options: EncodeOptions) =>
  options.isExpanded === true ? text : text.replaceAll("%", "%%").replaceAll("$", "$$$$");

// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;
// oxlint-disable-next-line no-control-regex
const ESCAPED = /[\\"\u0001-\u001f\u007f]/g;
const SHORT: Readonly<Record<string, string>> = { "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escapeCharacter(character: string): string {
  return SHORT[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** One word of a key that undoes C escapes: always in quotes, so that spaces and either quote are safe. */
function encodeEscaped(text: string, options: EncodeOptions): Result<string, EncodeRefusal> {
  if (text === "") return err("empty");
  if (text.includes("\0")) return err("control_character");
  return ok(`"${double(text, options).replaceAll(ESCAPED, escapeCharacter)}"`);
}

/** One word of a key that keeps backslashes: only quotes of the kind that the text lacks can hold it. */
function encodeQuoted(text: string, options: EncodeOptions): Result<string, EncodeRefusal> {
  if (text === "") return err("empty");
  if (CONTROL.test(text)) return err("control_character");
  if (text.includes('"') && text.includes("'")) return err("both_quotes");
  const quote = text.includes('"') ? "'" : '"';
  return ok(quote + double(text, options) + quote);
}

/** A plain value has no way to quote anything: what the reader would change is refused. */
function encodePlain(text: string, options: EncodeOptions): Result<string, EncodeRefusal> {
  if (text === "") return err("empty");
  if (CONTROL.test(text)) return err("control_character");
  if (/^[\s\u0085]|[\s\u0085]$/u.test(text)) return err("outer_space");
  if (text.startsWith('"') || text.endsWith('"')) return err("outer_quote");
  if (text.endsWith("\\")) return err("trailing_backslash");
  return ok(double(text, options));
}

/**
 * Writes one value so that Podman reads exactly `text`, whatever it holds: one word of `words`, `args` and `keyval` keys (join
 * several with spaces), all of a `string`. Refuses what the kind cannot express, instead of changing it. The inverse of
 * `splitWords` and `UnitView.string`; survives the real generators (test-node/quadlet/encode-value.test.ts).
 */
export function encodeValue(kind: KeyKind, text: string, options: EncodeOptions = {}): Result<string, EncodeRefusal> {
  if (!text.isWellFormed()) return err("lone_surrogate");
  switch (kind) {
    case "args":
      return encodeEscaped(text, options);
    case "keyval":
      return text.indexOf("=") > 0 ? encodeEscaped(text, options) : err("no_equals_sign");
    case "words":
      return encodeQuoted(text, options);
    case "string":
    case "bool":
    case "uint32":
    case "bool_or_healthy":
      return encodePlain(text, options);
  }
}
