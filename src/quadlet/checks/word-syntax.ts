import type { Finding } from "#core/finding.ts";
import { error, placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import type { Assignment } from "#quadlet/parse-unit.ts";
import { splitWords, type WordStyle } from "#quadlet/split-words.ts";

const CODE = "word_syntax";

function check(assignment: Assignment, style: WordStyle): Finding[] {
  const { badEscapeAt, openQuoteAt, emptyWordAt } = splitWords(assignment.value, style);
  const { key, value } = assignment;
  if (badEscapeAt !== null) {
    const message = `${value.slice(badEscapeAt, badEscapeAt + 2)} is no escape: Podman drops the whole ${key}= without a word.`;
    return [error(CODE, placeOf(assignment, badEscapeAt), { message, action: "Double the backslash to mean one." })];
  }
  if (openQuoteAt !== null) {
    const effect = style === "words" ? "drops the whole value" : "takes the rest of the line as one word";
    const message = `This quote is never closed: Podman ${effect}.`;
    return [
      warning(CODE, placeOf(assignment, openQuoteAt), { message, action: "Close it, or escape it with a backslash." }),
    ];
  }
  if (emptyWordAt === null) return [];
  const message = `Podman stops at an empty word: it and everything behind it is dropped.`;
  return [warning(CODE, placeOf(assignment, emptyWordAt), { message, action: "Leave the empty quotes out." })];
}

const SPLIT = new Set(["words", "args", "keyval"]);

/** Without a quote or a backslash there is nothing to go wrong. */
const isSuspect = ({ value }: Assignment) => value.includes('"') || value.includes("'") || value.includes("\\");

/** Quotes and escapes that lose a value in silence. */
export const wordSyntax: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info !== null && SPLIT.has(info.kind),
    run: ({ info, values, last }) => {
      const written = info?.repeatable === true ? values.all() : [last];
      return written.filter(isSuspect).flatMap((one) => check(one, info?.kind === "words" ? "words" : "args"));
    },
  },
};
