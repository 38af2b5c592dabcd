import type { Finding } from "#core/finding.ts";
import { error, placeOf, placeOfUnit, warning, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "resource_collision";
const NAME_KEYS: Readonly<Record<string, string>> = {
  container: "ContainerName",
  pod: "PodName",
  volume: "VolumeName",
  network: "NetworkName",
};

/** Containers and pods share one name space in Podman; volumes and networks have one each. */
const spaceOf = ({ type }: LoadedUnit) => (type === "pod" ? "container" : type);

/** Two units with one resource: the second container removes the first; two volumes are one and the same. */
export const resourceCollision: Check = {
  code: CODE,
  ofBundle: ({ bundle }) => {
    const taken = new Map<string, LoadedUnit>();
    return bundle.units.flatMap((unit): Finding[] => {
      const key = NAME_KEYS[unit.type];
      if (key === undefined || unit.resourceName === "" || unit.resourceName.includes("%")) return [];
      const name = `${spaceOf(unit)} ${unit.resourceName}`;
      const other = taken.get(name);
      if (other === undefined) {
        taken.set(name, unit);
        return [];
      }
      // Of two files with one service only one exists, and service_collision says so.
      if (other.serviceName === unit.serviceName) return [];
      const written = unit.view.last(unit.section, key);
      const place = written === null ? placeOfUnit(unit) : placeOf(written);
      const isShared = unit.type === "volume" || unit.type === "network";
      const message = isShared
        ? `${other.filename} names the ${unit.type} ${unit.resourceName} too: both units mean the same one.`
        : `${other.filename} is named ${unit.resourceName} too: each start of the one removes the other.`;
      const make = isShared ? warning : error;
      return [make(CODE, place, { message, action: `Give one of them another ${key}=.` })];
    });
  },
};
