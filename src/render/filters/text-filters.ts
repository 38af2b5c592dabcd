import { type Filter, optionalText, requireText, typeFault } from "#render/filters/filter.ts";
import type { Run } from "#render/run.ts";
import { entriesOf } from "#render/values/methods.ts";
import { toNumber, toText } from "#render/values/operators.ts";
import { CapturedText, likeInput, SafeString } from "#render/values/safe-string.ts";
import { RegexLiteral } from "#render/values/regex-literal.ts";
import { textOf } from "#render/values/text.ts";

const isNothing = (value: unknown) => value === null || value === undefined || value === false;
const numberOr = (value: unknown, fallback: number) => toNumber(value) || fallback;

const [SMALL_A, SMALL_Z] = [97, 122];

const capitalizeText = (text: string) => {
  const lower = text.toLowerCase();
  const first = lower.charCodeAt(0);
  // Most words start with one of these letters, whose large forms need no tables of Unicode.
  const large = first >= SMALL_A && first <= SMALL_Z ? String.fromCharCode(first - 32) : lower.charAt(0).toUpperCase();
  return large + lower.slice(1);
};

const capitalize: Filter = (_run, input) => likeInput(input, capitalizeText(optionalText("capitalize", input)));

const title: Filter = (_run, input) => {
  const text = optionalText("title", input);
  return likeInput(input, text.includes(" ") ? text.split(" ").map(capitalizeText).join(" ") : capitalizeText(text));
};

/** Nunjucks centers lists too, by the number of their items; a number is never padded. */
const center: Filter = (run, input, { 0: width }) => {
  const value = isNothing(input) ? "" : input;
  const wanted = numberOr(width, 80);
  const isSized = typeof value === "string" || Array.isArray(value) || value instanceof SafeString;
  if (isSized && value.length >= wanted) return value;
  const spaces = isSized ? wanted - value.length : 0;
  run.checkString(wanted, "center");
  const left = " ".repeat(Math.max(0, Math.ceil(spaces / 2 - (spaces % 2))));
  return likeInput(value, left + textOf(value) + " ".repeat(Math.max(0, Math.ceil(spaces / 2))));
};

const indent: Filter = (run, input, { 0: width, 1: indentFirst }) => {
  const text = optionalText("indent", input);
  if (text === "") return "";
  if (!indentFirst && !text.includes("\n")) return keepUnitText(input, text);
  const columns = numberOr(width, 4);
  const lines = text.split("\n");
  run.charge(lines.length);
  run.checkString(text.length + lines.length * columns, "indent");
  const margin = " ".repeat(Math.max(0, Math.ceil(columns)));
  const result = lines.map((line, index) => (index === 0 && !indentFirst ? line : margin + line)).join("\n");
  return keepUnitText(input, result);
};

/** Space around lines keeps a checked text checked: indent and trim take nothing out of its place in a unit file. */
const keepUnitText = (input: unknown, text: string): unknown => {
  if (!(input instanceof SafeString) || !input.isUnitText) return likeInput(input, text);
  return input instanceof CapturedText ? new CapturedText(text) : new SafeString(text, true);
};

const trim: Filter = (_run, input) => keepUnitText(input, requireText("trim", input).trim());

const replace: Filter = (run, input, { 0: from, 1: to, 2: countMax }) => {
  if (from instanceof RegexLiteral) {
    const text = requireText("replace", input);
    run.charge(text.length);
    return from.replace(text, toText(to));
  }
  const old = typeof from === "number" ? String(from) : from;
  if (typeof old !== "string") return input;
  const isText = typeof input === "string" || input instanceof SafeString;
  if (!isText && typeof input !== "number") return input;
  const text = textOf(input);
  const replacement = typeof to === "string" ? to : toText(to);
  const limit = countMax === undefined ? -1 : toNumber(countMax);
  if (old === "") {
    run.checkString((text.length + 1) * (replacement.length + 1), "replace");
    return likeInput(input, replacement + text.split("").join(replacement) + replacement);
  }
  const first = limit === 0 ? -1 : text.indexOf(old);
  if (first === -1) return typeof input === "number" ? text : input;
  return likeInput(input, replaceText(run, text, { old, replacement, limit, first }));
};

/** `first`: where the first one is. */
type Replacing = { old: string; replacement: string; limit: number; first: number };

function replaceText(run: Run, text: string, change: Replacing): string {
  const { old, replacement, limit, first } = change;
  let from = first + old.length;
  let result = first === 0 ? replacement : text.slice(0, first) + replacement;
  run.charge(1);
  for (let count = 1; (limit === -1 || count < limit) && from + old.length <= text.length; count++) {
    const at = text.indexOf(old, from);
    if (at === -1) break;
    result += text.slice(from, at) + replacement;
    if (result.length > run.limits.stringChars) run.checkString(result.length, "replace");
    run.charge(1);
    from = at + old.length;
  }
  if (from < text.length) result += text.slice(from);
  run.checkString(result.length, "replace");
  return result;
}

const truncate: Filter = (_run, input, { 0: length, 1: killWords, 2: end }) => {
  const chars = numberOr(length, 255);
  if (Array.isArray(input) && input.length <= chars) return input;
  const text = optionalText("truncate", input);
  if (text.length <= chars) return isNothing(input) ? "" : input;
  const lastSpace = killWords ? -1 : text.lastIndexOf(" ", chars);
  const kept = text.slice(0, lastSpace === -1 ? chars : lastSpace);
  return likeInput(input, kept + (end === undefined || end === null ? "..." : toText(end)));
};

const wordcount: Filter = (_run, input) => {
  if (!input) return null;
  const text = requireText("wordcount", input);
  return text === "" ? null : (text.match(/\w+/g)?.length ?? null);
};

const urlencode: Filter = (run, input) => {
  if (typeof input === "string" || input instanceof SafeString) return encodeURIComponent(input.toString());
  const pairs: readonly unknown[] = Array.isArray(input) ? input : entriesOf(run, input ?? {});
  run.charge(4 * pairs.length);
  return pairs
    .map((pair) => {
      if (pair === null || pair === undefined) throw typeFault("urlencode", "pairs", pair);
      const [key, value] = Array.isArray(pair) ? (pair as unknown[]) : typeof pair === "string" ? pair.split("") : [];
      return `${encodeURIComponent(toText(key))}=${encodeURIComponent(toText(value))}`;
    })
    .join("&");
};

const string: Filter = (_run, input) => {
  if (input instanceof SafeString) return input;
  if (input === null || input === undefined) requireText("string", input);
  return textOf(input);
};

export const textFilters: Record<string, Filter> = {
  capitalize,
  center,
  indent,
  lower: (_run, input) => optionalText("lower", input).toLowerCase(),
  replace,
  string,
  title,
  trim,
  truncate,
  upper: (_run, input) => optionalText("upper", input).toUpperCase(),
  urlencode,
  wordcount,
};
