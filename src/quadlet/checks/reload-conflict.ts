import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "reload_conflict";

export const reloadConflict: Check = {
  code: CODE,
  ofKey: {
    reads: ({ key, info }) => key === "ReloadSignal" && info !== null,
    run: ({ view, section, values, last }) => {
      if (values.string() === "" || view.lastWords(section, "ReloadCmd").length === 0) return [];
      const message = "ReloadCmd= and ReloadSignal= exclude each other. Podman refuses the unit.";
      return [error(CODE, placeOf(last), { message, action: "Keep one of them." })];
    },
  },
};
