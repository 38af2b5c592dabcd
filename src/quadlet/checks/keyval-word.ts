import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "keyval_word";

/** `Environment=TITLE=My stack` sets TITLE=My and a variable called stack: the quotes are missing. */
export const keyvalWord: Check = {
  code: CODE,
  run: ({ keys }) =>
    keys.flatMap(({ view, section, key, info }) => {
      if (info?.kind !== "keyval") return [];
      const words = view.words(section, key, "args");
      return words.flatMap((word, index) => {
        const before = words[index - 1];
        if (word.text.includes("=") || before?.assignment !== word.assignment) return [];
        const message = `A word without = follows a pair: ${key}= splits at spaces, so this is no part of the value before it.`;
        const action = `Quote the pair: ${key}="NAME=two words".`;
        return [warning(CODE, placeOf(word.assignment, word.offset), { message, action })];
      });
    }),
};
