import { trimEnd } from "#quadlet/parse-unit.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "expose_port";
/** The generator's own test: anything that ends in a port or a range. */
const PORT = /\d+(-\d+)?(\/udp|\/tcp)?$/;

export const exposePort: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => section === "Container" && key === "ExposeHostPort",
    run: ({ values }) =>
      values
        .all()
        .filter((assignment) => !PORT.test(trimEnd(assignment.value)))
        .map((assignment) =>
          error(CODE, placeOf(assignment), {
            message: `ExposeHostPort=${assignment.value} is no port. Podman refuses the unit.`,
            action: "Write a port or a range, such as 8080 or 8000-8010/udp.",
          }),
        ),
  },
};
