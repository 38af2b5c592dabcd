import type { Finding } from "#core/finding.ts";
import { error, placeOf, placeOfUnit, type Check } from "#quadlet/checks/check.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "build_context";
/** The generator's own test, odd as it is: `github.com/` counts anywhere in the text. */
const URL = /^((https?)|(git):\/\/)|(github\.com\/).+$/;

function checkBuild(unit: LoadedUnit): Finding[] {
  const { view, section } = unit;
  const file = view.string(section, "File") ?? "";
  const folder = view.string(section, "SetWorkingDirectory") ?? "";
  const written = view.last(section, "SetWorkingDirectory") ?? view.last(section, "File");
  const place = written === null ? placeOfUnit(unit) : placeOf(written);
  const refuse = (message: string, action: string) => [error(CODE, place, { message, action })];
  const mode = folder.toLowerCase();
  if (mode === "yaml")
    return refuse("SetWorkingDirectory=yaml is for .kube files.", "Write file, unit, a path or a URL.");
  if (mode === "file" && view.last(section, "File") === null)
    return refuse("SetWorkingDirectory=file needs File=.", "Add File=.");
  if (folder !== "" || (view.string("Service", "WorkingDirectory") ?? "") !== "") return [];
  if (file === "")
    return refuse(
      "A .build needs File= or SetWorkingDirectory=: Podman would not know what to build.",
      "Add SetWorkingDirectory=unit.",
    );
  if (file.startsWith("/") || URL.test(file)) return [];
  return refuse("A relative File= needs SetWorkingDirectory=.", "Add SetWorkingDirectory=unit.");
}

function checkKube({ view, section }: LoadedUnit): Finding[] {
  const written = view.last(section, "SetWorkingDirectory");
  const mode = (view.string(section, "SetWorkingDirectory") ?? "").toLowerCase();
  if (written === null || ["", "yaml", "unit"].includes(mode)) return [];
  const message = `SetWorkingDirectory= of a .kube may be yaml or unit, not ${mode}.`;
  return [error(CODE, placeOf(written), { message, action: "Write SetWorkingDirectory=yaml." })];
}

/** Where a build or a kube file works: what the generator cannot resolve, it refuses. */
export const buildContext: Check = {
  code: CODE,
  ofUnit: { types: ["build", "kube"], run: (unit) => (unit.type === "build" ? checkBuild(unit) : checkKube(unit)) },
};
