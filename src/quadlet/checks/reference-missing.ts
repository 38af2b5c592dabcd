import type { Finding } from "#core/finding.ts";
import { didYouMean } from "#core/did-you-mean.ts";
import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import type { LoadedBundle } from "#quadlet/load-units.ts";
import { referencesOf, type Reference } from "#quadlet/references.ts";

const CODE = "reference_missing";

function check({ key, name, target, assignment, offset }: Reference, bundle: LoadedBundle): Finding[] {
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
  const action = near === null ? `Add the file ${name} to the bundle, or drop the ending.` : `Did you mean ${near}?`;
  const message = `${key}= names ${name}, and no such file is here. Podman refuses the unit.`;
  return [error(CODE, place, { message, action })];
}

/** A name such as `stack.network` must be a file of the bundle: Podman looks for exactly that file. */
export const referenceMissing: Check = {
  code: CODE,
  ofUnit: {
    run: (unit, { bundle }) =>
      referencesOf(unit, bundle)
        .filter(({ key, target }) => target === null || key === "Pod")
        .flatMap((reference) => check(reference, bundle)),
  },
};
