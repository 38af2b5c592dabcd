import type { Finding } from "#core/finding.ts";
import { error, placeOf, placeOfUnit, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";
import type { UnitType } from "#quadlet/unit-names.ts";

const CODE = "required_key";

/** One of these keys must have a value; a unit of any other type may be empty. */
const REQUIRED: Readonly<Partial<Record<UnitType, readonly string[]>>> = {
  container: ["Image", "Rootfs"],
  kube: ["Yaml"],
  image: ["Image"],
  build: ["ImageTag"],
  artifact: ["Artifact"],
};

function isSet({ type, view, section }: LoadedUnit, key: string): boolean {
  if (type === "build") return view.all(section, key).length > 0;
  if (type === "kube") return view.words(section, key, "words").length > 0 && view.string(section, key) !== "";
  return (view.string(section, key) ?? "") !== "";
}

function check(unit: LoadedUnit): Finding[] {
  const keys = REQUIRED[unit.type] ?? [];
  const set = keys.filter((key) => isSet(unit, key));
  if (set.length === 1) return [];
  const written = keys.map((key) => unit.view.last(unit.section, key)).find((assignment) => assignment !== null);
  const place = written === undefined || written === null ? placeOfUnit(unit) : placeOf(written);
  if (set.length > 1) {
    return [
      error(CODE, place, {
        message: `${set.join("= and ")}= exclude each other. Podman refuses the unit.`,
        action: "Keep one of them.",
      }),
    ];
  }
  const names = keys.map((key) => `${key}=`).join(" or ");
  return [
    error(CODE, place, {
      message: `A .${unit.type} needs ${names} with a value in [${unit.section}]. Podman refuses the unit.`,
      action: written === undefined ? `Add ${names}.` : `Give ${names} a value; an empty one counts as missing.`,
    }),
  ];
}

/** Keys without which the generator makes nothing of a unit, and the pair that it refuses together. */
export const requiredKey: Check = {
  code: CODE,
  ofUnit: { types: ["container", "kube", "image", "build", "artifact"], run: check },
};
