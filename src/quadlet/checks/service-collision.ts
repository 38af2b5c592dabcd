import type { Finding } from "#core/finding.ts";
import { error, placeOfUnit, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "service_collision";

/** `a.container` and `a.kube` both give `a.service`: the generator writes one over the other without a word. */
export const serviceCollision: Check = {
  code: CODE,
  ofBundle: ({ bundle }) => {
    const taken = new Map<string, LoadedUnit>();
    return bundle.units.flatMap((unit): Finding[] => {
      const other = taken.get(unit.serviceName);
      if (other === undefined) {
        taken.set(unit.serviceName, unit);
        return [];
      }
      const message = `${other.filename} gives ${unit.serviceName}.service too: one of the two never exists.`;
      return [
        error(CODE, placeOfUnit(unit), { message, action: "Rename one of the files, or set ServiceName= in it." }),
      ];
    });
  },
};
