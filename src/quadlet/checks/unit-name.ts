import { error, placeOf, placeOfUnit, type Check } from "#quadlet/checks/check.ts";

const CODE = "unit_name";
/** Characters of a unit's name, from systemd.unit(5); with `.service` at most 255. */
const VALID = /^[A-Za-z0-9:_.\\@-]{1,247}$/;

/** The generator writes a service of any name; systemd loads only names of its own alphabet. */
export const unitName: Check = {
  code: CODE,
  ofUnit: {
    run: (unit) => {
      const { serviceName, view, section } = unit;
      if (VALID.test(serviceName) && !serviceName.startsWith("@")) return [];
      const written = view.last(section, "ServiceName");
      const message = `${serviceName || "(empty)"}.service is no name of a unit: systemd will not load it.`;
      const action = `${written === null ? "Name the file" : "Write ServiceName="} with letters, digits, and any of : _ . - only.`;
      return [error(CODE, written === null ? placeOfUnit(unit) : placeOf(written), { message, action })];
    },
  },
};
