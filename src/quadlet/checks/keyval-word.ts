import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { keyInfo } from "#quadlet/key-table.ts";

const CODE = "keyval_word";

/** `Environment=TITLE=My stack` sets TITLE=My and a variable called stack: the quotes are missing. */
export const keyvalWord: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view, section }) =>
      view
        .keys(section)
        .filter((key) => keyInfo(section, key)?.kind === "keyval")
        .flatMap((key) => {
          const words = view.words(section, key, "args");
          return words.flatMap((word, index) => {
            const before = words[index - 1];
            if (word.text.includes("=") || before?.assignment !== word.assignment) return [];
            const message = `A word without = follows a pair: ${key}= splits at spaces, so this is no part of the value before it.`;
            return [
              warning(CODE, placeOf(word.assignment, word.offset), {
                message,
                action: `Quote the pair: ${key}="NAME=two words".`,
              }),
            ];
          });
        }),
    ),
};
