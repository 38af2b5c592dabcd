import { baseName } from "#quadlet/unit-names.ts";
import { error, type Check } from "#quadlet/checks/check.ts";

const CODE = "unit_shadowed";

/** Podman reads one file of each name in the whole tree: the one in the first folder. */
export const unitShadowed: Check = {
  code: CODE,
  ofBundle: ({ bundle }) =>
    bundle.shadowed.map(({ filename }) => {
      const first = bundle.byName.get(baseName(filename))?.filename ?? "another folder";
      const message = `${first} has the same name: Podman never reads this file.`;
      return error(CODE, { file: filename, line: 1, column: 1 }, { message, action: "Rename one of the two." });
    }),
};
