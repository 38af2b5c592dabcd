import { RE2JS } from "re2js";

/** A regular expression written in a template. It is matched in linear time; a pattern that cannot be is refused. */
export class RegexLiteral {
  readonly #pattern: RE2JS;
  readonly #source: string;
  readonly #isGlobal: boolean;

  constructor(pattern: RE2JS, source: { text: string; isGlobal: boolean }) {
    this.#pattern = pattern;
    this.#source = source.text;
    this.#isGlobal = source.isGlobal;
  }

  /** `text.replace(regex, replacement)` of JavaScript, with its `$1`, `$&` and `$$`. */
  replace(text: string, replacement: string): string {
    const matcher = this.#pattern.matcher(text);
    let result = "";
    let from = 0;
    while (matcher.find()) {
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, index) => matcher.group(index) ?? "");
      result += text.slice(from, matcher.start()) + expand(replacement, groups);
      from = matcher.end();
      if (!this.#isGlobal) break;
    }
    return result + text.slice(from);
  }

  toString(): string {
    return this.#source;
  }
}

const expand = (replacement: string, groups: readonly string[]): string =>
  replacement.replace(/\$(\$|&|\d{1,2})/g, (whole: string, key: string) => {
    if (key === "$") return "$";
    if (key === "&") return groups[0] ?? "";
    return Number(key) > 0 ? (groups[Number(key)] ?? whole) : whole;
  });

/** The literal, or null where the pattern needs backtracking or is none. */
export function regexLiteral(source: string, flags: string): RegexLiteral | null {
  const options = (flags.includes("i") ? RE2JS.CASE_INSENSITIVE : 0) | (flags.includes("m") ? RE2JS.MULTILINE : 0);
  try {
    const text = `/${source}/${flags}`;
    return new RegexLiteral(RE2JS.compile(source, options), { text, isGlobal: flags.includes("g") });
  } catch {
    return null;
  }
}
