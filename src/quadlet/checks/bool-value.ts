import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";

const CODE = "bool_value";
const KNOWN = new Set(["1", "yes", "true", "on", "0", "no", "false", "off", ""]);

/** Podman takes every other word for false, without a word. */
export const boolValue: Check = {
  code: CODE,
  run: ({ keys }) =>
    keys.flatMap(({ view, section, key, info, last }) => {
      if (info?.kind !== "bool" && info?.kind !== "bool_or_healthy") return [];
      const value = (view.string(section, key) ?? "").toLowerCase();
      if (KNOWN.has(value) || (info.kind === "bool_or_healthy" && value === "healthy")) return [];
      const words = info.kind === "bool" ? "true or false" : "true, false or healthy";
      const message = `${key}=${last.value} counts as false: Podman knows ${words}.`;
      return [warning(CODE, placeOf(last), { message, action: `Write ${words}.` })];
    }),
};
