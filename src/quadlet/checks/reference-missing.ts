import { didYouMean } from "#core/did-you-mean.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";

const CODE = "reference_missing";

/** A name such as `stack.network` must be a file of the bundle: Podman looks for exactly that file. */
export const referenceMissing: Check = {
  code: CODE,
  run: ({ bundle, references }) =>
    [...references].flatMap(([, list]) =>
      list.flatMap(({ key, name, target, assignment, offset }) => {
        const place = placeOf(assignment, offset);
        if (key === "Pod" && !name.endsWith(".pod")) {
          const message = `Pod= must name a .pod file, not ${name}. Podman refuses the unit.`;
          return [error(CODE, place, { message, action: `Write Pod=${name}.pod and ship that file.` })];
        }
        if (target !== null) return [];
        const extension = name.slice(name.lastIndexOf("."));
        const near = didYouMean(
          name,
          [...bundle.byName.keys()].filter((other) => other.endsWith(extension)),
        );
        const action =
          near === null ? `Add the file ${name} to the bundle, or drop the ending.` : `Did you mean ${near}?`;
        return [
          error(CODE, place, {
            message: `${key}= names ${name}, and no such file is here. Podman refuses the unit.`,
            action,
          }),
        ];
      }),
    ),
};
