import { TemplateFault } from "#render/fault.ts";
import { charge } from "#render/values/meter.ts";
import { Marked } from "#render/values/marked.ts";
import { RegexLiteral } from "#render/values/regex-literal.ts";
import { SafeString } from "#render/values/safe-string.ts";

const LIST_DEPTH_MAX = 64;
const LIST_CHARS_MAX = 1_048_576;
/** A list in a list may cost far more than the comma that it prints. */
const NESTED_LISTS_MAX = 65_536;

/**
 * The text of a value as Nunjucks prints it: nothing for null and undefined, JavaScript's text for the rest. Lists are bounded by
 * characters, lists and depth, because a shared nested list prints exponentially; no method of a value is ever called.
 */
export function textOf(value: unknown): string {
  // one question after the other: V8 has a fast form of each, and none of a switch over `typeof`
  if (typeof value === "string") return value;
  if (typeof value === "number") return `${value}`;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (typeof value === "object" && value !== null) return textOfObject(value);
  if (typeof value !== "function") return "";
  throw new TemplateFault({
    code: "function_printed",
    message: "a function is not a text",
    action: "Call it: put parentheses after its name.",
  });
}

function textOfObject(value: object): string {
  if (value instanceof SafeString) return value.toString();
  if (Array.isArray(value)) return chargedTextOfList(value);
  if (value instanceof Marked) return value.refuse();
  return objectTag(value);
}

const objectTag = (value: object) =>
  value instanceof RegexLiteral
    ? value.toString()
    : value instanceof Map
      ? "[object Map]"
      : value instanceof Set
        ? "[object Set]"
        : "[object Object]";

type ListBudget = { charsLeft: number; listsLeft: number; depth: number };

/** A step for 2 characters, also where it fails: a template could try again and again. */
function chargedTextOfList(list: readonly unknown[]): string {
  const budget: ListBudget = { charsLeft: LIST_CHARS_MAX, listsLeft: NESTED_LISTS_MAX, depth: 0 };
  try {
    return textOfList(list, budget);
  } finally {
    charge(((LIST_CHARS_MAX - budget.charsLeft) >>> 1) + NESTED_LISTS_MAX - budget.listsLeft);
  }
}

function textOfList(list: readonly unknown[], budget: ListBudget): string {
  if (--budget.listsLeft < 0) throw tooMuchInList(`${NESTED_LISTS_MAX} lists`);
  if (++budget.depth > LIST_DEPTH_MAX) {
    throw new TemplateFault({
      code: "limit_depth",
      message: `a list nested deeper than ${LIST_DEPTH_MAX} cannot be printed`,
      action: "Print its parts.",
    });
  }
  let text = "";
  for (let i = 0; i < list.length; i++) {
    const item: unknown = list[i];
    const isList = Array.isArray(item);
    const part = isList ? textOfList(item, budget) : textOf(item);
    text += i === 0 ? part : `,${part}`;
    budget.charsLeft -= isList ? 1 : part.length + 1;
    if (budget.charsLeft < 0) throw tooMuchInList(`${LIST_CHARS_MAX} characters`);
  }
  budget.depth--;
  return text;
}

const tooMuchInList = (limit: string) =>
  new TemplateFault({
    code: "limit_string",
    message: `a list of more than ${limit} cannot be printed`,
    action: "Print its parts.",
  });

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  '"': "&quot;",
  "'": "&#39;",
  "<": "&lt;",
  ">": "&gt;",
  "\\": "&#92;",
};

/** Text with the characters escaped that Nunjucks escapes for HTML. */
export const escapeHtml = (text: string): string =>
  /[&"'<>\\]/.test(text) ? text.replace(/[&"'<>\\]/g, (char) => ENTITIES[char] ?? char) : text;

/** The printed text of a value where autoescape is on (an option for comparison with Nunjucks; off in the product). */
export const escapedTextOf = (value: unknown): string =>
  value instanceof SafeString ? value.toString() : escapeHtml(textOf(value));
