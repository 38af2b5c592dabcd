import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "user_group";

/** Podman refuses a container with Group= and no User=. */
export const userGroup: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Container" && key === "Group",
    run: ({ view, section, values, last }) => {
      if (values.string() === "" || view.string(section, "User")) return [];
      const message = "Group= is set without User=. Podman refuses the unit.";
      return [error(CODE, placeOf(last), { message, action: "Add User=, which may be a number such as 0." })];
    },
  },
};
