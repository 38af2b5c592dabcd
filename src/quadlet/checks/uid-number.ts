import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "uid_number";
/** Decimal, octal with a leading 0, or hexadecimal: as strtol reads it. */
const NUMBER = /^\+?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)$/;

/** User=postgres in a .volume silently means 0, which is root. */
export const uidNumber: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info?.kind === "uint32",
    run: ({ key, values, last }) => {
      if (NUMBER.test(values.string())) return [];
      const message = `${key}=${last.value} is no number: Podman takes 0 without a word.`;
      return [warning(CODE, placeOf(last), { message, action: "Write the number, such as 1000." })];
    },
  },
};
