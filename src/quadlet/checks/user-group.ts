import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "user_group";

/** Podman refuses a container with Group= and no User=. */
export const userGroup: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.flatMap(({ type, view, section }) => {
      const group = view.last(section, "Group");
      if (type !== "container" || group === null || !view.string(section, "Group")) return [];
      if (view.string(section, "User")) return [];
      const message = "Group= is set without User=. Podman refuses the unit.";
      return [error(CODE, placeOf(group), { message, action: "Add User=, which may be a number such as 0." })];
    }),
};
