import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "bool_value";
const KNOWN = new Set(["1", "yes", "true", "on", "0", "no", "false", "off", ""]);

/** Podman takes every other word for false, without a word. */
export const boolValue: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info?.kind === "bool" || info?.kind === "bool_or_healthy",
    run: ({ key, info, values, last }) => {
      const isHealthyKnown = info?.kind === "bool_or_healthy";
      const value = values.string().toLowerCase();
      if (KNOWN.has(value) || (isHealthyKnown && value === "healthy")) return [];
      const words = isHealthyKnown ? "true, false or healthy" : "true or false";
      const message = `${key}=${last.value} counts as false: Podman knows ${words}.`;
      return [warning(CODE, placeOf(last), { message, action: `Write ${words}.` })];
    },
  },
};
