import { placeOfUnit, warning, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import { referencesOf } from "#quadlet/references.ts";
import { writtenDependencies } from "#quadlet/unit-dependencies.ts";

const CODE = "unused_unit";
const TYPES = new Set(["volume", "network", "image", "build", "artifact"]);

/** A volume or network that nobody in the bundle uses, and that nothing starts. */
export const unusedUnit: Check = {
  code: CODE,
  ofBundle: ({ bundle }) => {
    const used = new Set<LoadedUnit>();
    const use = (target: LoadedUnit | null) => (target === null ? used : used.add(target));
    for (const unit of bundle.units) {
      for (const { target } of referencesOf(unit, bundle)) use(target);
      for (const { target } of writtenDependencies(unit, bundle)) use(target);
    }
    return bundle.units
      .filter((unit) => TYPES.has(unit.type) && !used.has(unit) && unit.view.keys("Install").length === 0)
      .map((unit) =>
        warning(CODE, placeOfUnit(unit), {
          message: `Nothing in the bundle uses ${unit.basename}: it is never made.`,
          action: "Remove the file, or name it where it belongs.",
        }),
      );
  },
};
