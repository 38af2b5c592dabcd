import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { keyInfo } from "#quadlet/key-table.ts";

const CODE = "uid_number";
/** Decimal, octal with a leading 0, or hexadecimal: as strtol reads it. */
const NUMBER = /^\+?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/;

/** User=postgres in a .volume silently means 0, which is root. */
export const uidNumber: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view, section }) =>
      view.keys(section).flatMap((key) => {
        const assignment = view.last(section, key);
        if (keyInfo(section, key)?.kind !== "uint32" || assignment === null) return [];
        if (NUMBER.test(view.string(section, key) ?? "")) return [];
        const message = `${key}=${assignment.value} is no number: Podman takes 0 without a word.`;
        return [warning(CODE, placeOf(assignment), { message, action: "Write the number, such as 1000." })];
      }),
    ),
};
