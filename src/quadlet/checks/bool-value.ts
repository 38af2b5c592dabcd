import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { keyInfo } from "#quadlet/key-table.ts";

const CODE = "bool_value";
const KNOWN = new Set(["1", "yes", "true", "on", "0", "no", "false", "off", ""]);

/** Podman takes every other word for false, without a word. */
export const boolValue: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view, section }) =>
      [section, "Quadlet"].flatMap((name) =>
        view.keys(name).flatMap((key) => {
          const kind = keyInfo(name, key)?.kind;
          const assignment = view.last(name, key);
          if (assignment === null || (kind !== "bool" && kind !== "bool_or_healthy")) return [];
          const value = (view.string(name, key) ?? "").toLowerCase();
          if (KNOWN.has(value) || (kind === "bool_or_healthy" && value === "healthy")) return [];
          const words = kind === "bool" ? "true or false" : "true, false or healthy";
          const message = `${key}=${assignment.value} counts as false: Podman knows ${words}.`;
          return [warning(CODE, placeOf(assignment), { message, action: `Write ${words}.` })];
        }),
      ),
    ),
};
