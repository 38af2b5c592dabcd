import { TemplateFault } from "#render/fault.ts";
import { type Filter, isMapping } from "#render/filters/filter.ts";
import { isPlainWord } from "#render/values/plain-word.ts";
import { entriesOf } from "#render/values/methods.ts";
import { SafeString } from "#render/values/safe-string.ts";
import { textOf } from "#render/values/text.ts";

const ESCAPES: Record<string, string> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "%": "%%",
  $: "$$",
};

/** One word for systemd and quadlet: C escapes inside double quotes, `%` and `$` doubled against expansion. */
function quoteWord(text: string): string {
  if (text !== "" && isPlainWord(text)) return text;
  let quoted = "";
  for (const char of text) {
    const code = char.charCodeAt(0);
    quoted += ESCAPES[char] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, "0")}` : char);
  }
  return `"${quoted}"`;
}

/** The text of a printable value; null, lists and mappings are refused, because a unit has no way to write them. */
function printable(filter: string, value: unknown): string {
  if (value === null || value === undefined || (typeof value === "object" && !(value instanceof SafeString))) {
    if (typeof value === "object" && value !== null && !Array.isArray(value) && !isMapping(value)) return textOf(value);
    throw new TemplateFault({
      code: "filter_type",
      message: `${filter} needs a text, a number or a boolean`,
      action: `Check the value before | ${filter}.`,
    });
  }
  const text = textOf(value);
  if (!text.includes("\0")) return text;
  throw new TemplateFault({
    code: "unit_unsafe_value",
    message: "a unit file cannot hold a NUL character",
    action: "Remove the NUL character from the value.",
  });
}

const quadletWord: Filter = (_run, input) => new SafeString(quoteWord(printable("quadlet_word", input)), true);

/** `value | quadlet_env("NAME")` is the word `NAME=value`; a mapping gives one word for each of its keys, in their order. */
const quadletEnv: Filter = (run, input, { 0: name }) => {
  if (name !== undefined) return new SafeString(quoteAssignment(textOf(name), input), true);
  if (!isMapping(input)) return new SafeString(quoteWord(printable("quadlet_env", input)), true);
  const words = entriesOf(run, input).map(([key, value]) => quoteAssignment(key, value));
  return new SafeString(words.join(" "), true);
};

function quoteAssignment(name: string, value: unknown): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return quoteWord(`${name}=${printable("quadlet_env", value)}`);
  throw new TemplateFault({
    code: "filter_argument",
    message: `"${name}" is not the name of an environment variable`,
    action: "Use letters, digits and underscores, and no digit first.",
  });
}

/** A text for a key whose kind is `string` (Description=): nothing is quoted there, so what would break it is refused. */
const quadletText: Filter = (_run, input) => {
  const text = printable("quadlet_text", input).trim();
  // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
  const isBroken = /[\0-\x1f\x7f]/.test(text);
  if (!isBroken && !text.endsWith("\\") && !/^["']|["']$/.test(text)) {
    return new SafeString(text.replaceAll("%", "%%"), true);
  }
  throw new TemplateFault({
    code: "unit_unsafe_value",
    message:
      "the value has a line break, a control character, outer quotes or a trailing backslash, and its key cannot quote",
    action: "Shorten the value to one plain line.",
  });
};

/** systemd-escape(1): `/` becomes `-`, and all but letters, digits, `:`, `_`, `.` becomes `\xNN` by UTF-8 byte. */
const systemdEscape: Filter = (_run, input) => {
  const bytes = new TextEncoder().encode(printable("systemd_escape", input));
  let escaped = "";
  bytes.forEach((byte, index) => {
    const char = String.fromCharCode(byte);
    const isKept = /[A-Za-z0-9:_]/.test(char) || (char === "." && index > 0);
    escaped += char === "/" ? "-" : isKept ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  });
  return new SafeString(escaped, true);
};

export const unitFilters: Record<string, Filter> = {
  quadlet_env: quadletEnv,
  quadlet_text: quadletText,
  quadlet_word: quadletWord,
  systemd_escape: systemdEscape,
};
