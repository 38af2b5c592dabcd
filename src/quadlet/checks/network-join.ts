import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "network_join";

/** `Network=x.container` shares that container's network: it must have a name that is known now, and takes no options. */
export const networkJoin: Check = {
  code: CODE,
  run: ({ references }) =>
    [...references].flatMap(([, list]) =>
      list.flatMap(({ key, name, target, assignment }) => {
        if (key !== "Network" || target?.type !== "container") return [];
        if (target.resourceName === "") {
          const message = `${name} has no container name that is known before it starts, so Network= cannot name it.`;
          return [error(CODE, placeOf(assignment), { message, action: `Give ${name} a plain ContainerName=.` })];
        }
        if (!assignment.value.includes(":")) return [];
        const message = "Joining another container's network takes no options. Podman refuses the unit.";
        return [error(CODE, placeOf(assignment), { message, action: `Write Network=${name} alone.` })];
      }),
    ),
};
