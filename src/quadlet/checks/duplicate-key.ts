import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { isKeyKnown, isRepeatable } from "#quadlet/key-table.ts";

const CODE = "duplicate_key";

/** Of a key that takes one value the last one counts; drop-ins do that on purpose, one file hardly ever. */
export const duplicateKey: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info !== null,
    run: ({ key, info, values: { written } }, { podman }) => {
      if (written.length < 2 || info === null || !isKeyKnown(info, podman) || isRepeatable(info, podman)) return [];
      return written.flatMap((assignment, index) => {
        const next = written[index + 1];
        if (next?.file !== assignment.file || assignment.value === "" || next.value === "") return [];
        const message = `${key}= takes one value, and line ${next.line} replaces this one.`;
        return [warning(CODE, placeOf(assignment), { message, action: "Remove one of the two lines." })];
      });
    },
  },
};
