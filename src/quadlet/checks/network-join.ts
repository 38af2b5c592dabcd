import type { Finding } from "#core/finding.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";

const CODE = "network_join";

function check({ name, target, assignment }: Reference): Finding[] {
  if (target?.resourceName === "") {
    const message = `${name} has no container name that is known before it starts, so Network= cannot name it.`;
    return [error(CODE, placeOf(assignment), { message, action: `Give ${name} a plain ContainerName=.` })];
  }
  if (!assignment.value.includes(":")) return [];
  const message = "Joining another container's network takes no options. Podman refuses the unit.";
  return [error(CODE, placeOf(assignment), { message, action: `Write Network=${name} alone.` })];
}

/** `Network=x.container` shares that container's network: it must have a name that is known now, and takes no options. */
export const networkJoin: Check = {
  code: CODE,
  ofUnit: {
    run: (unit, { bundle }) =>
      referencesOf(unit, bundle)
        .filter(({ key, target }) => key === "Network" && target?.type === "container")
        .flatMap(check),
  },
};
