import type { Finding } from "#core/finding.ts";
import { error, placeOf, placeOfUnit, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "volume_device";

function check(unit: LoadedUnit): Finding[] {
  const { view, section } = unit;
  if (view.string(section, "Driver") === "image") {
    if (view.string(section, "Image")) return [];
    const place = view.last(section, "Image") ?? view.last(section, "Driver");
    const message = "Driver=image needs Image= with the image to mount.";
    return [error(CODE, place === null ? placeOfUnit(unit) : placeOf(place), { message, action: "Add Image=." })];
  }
  if (view.string(section, "Device")) return [];
  return ["Type", "Options"].flatMap((key) => {
    const assignment = view.last(section, key);
    if (assignment === null || !view.string(section, key)) return [];
    const message = `${key}= needs Device=. Podman refuses the unit.`;
    return [
      error(CODE, placeOf(assignment), { message, action: `Add Device=, such as tmpfs or a path, or remove ${key}=.` }),
    ];
  });
}

/** What a .volume mounts must be complete. */
export const volumeDevice: Check = { code: CODE, ofUnit: { types: ["volume"], run: check } };
