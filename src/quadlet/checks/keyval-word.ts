import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "keyval_word";

/** `Environment=TITLE=My stack` sets TITLE=My and a variable called stack: the quotes are missing. */
export const keyvalWord: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info?.kind === "keyval",
    run: ({ key, values }) => {
      const words = values.words("args");
      const lost = words.filter(
        (word, index) => !word.text.includes("=") && words[index - 1]?.assignment === word.assignment,
      );
      return lost.map((word) => {
        const message = `A word without = follows a pair: ${key}= splits at spaces, so this is no part of the value before it.`;
        const action = `Quote the pair: ${key}="NAME=two words".`;
        return warning(CODE, placeOf(word.assignment, word.offset), { message, action });
      });
    },
  },
};
