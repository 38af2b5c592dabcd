import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "reload_conflict";

export const reloadConflict: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ view, section }) => {
      const signal = view.last(section, "ReloadSignal");
      if (signal === null || !view.string(section, "ReloadSignal")) return [];
      if (view.lastWords(section, "ReloadCmd").length === 0) return [];
      const message = "ReloadCmd= and ReloadSignal= exclude each other. Podman refuses the unit.";
      return [error(CODE, placeOf(signal), { message, action: "Keep one of them." })];
    }),
};
