import { error, placeOf, type Check } from "#quadlet/checks/check.ts";
import { findFileUses } from "#quadlet/file-uses.ts";

const CODE = "file_missing";

/**
 * A relative path is taken from the unit's folder, and a bundle is installed as a folder of its own: what it does not
 * bring is not there. Paths that leave the bundle (`../`) may lie on the device and are not judged.
 */
export const fileMissing: Check = {
  code: CODE,
  ofUnit: {
    run: (unit, { bundle }) =>
      findFileUses(unit, bundle)
        .filter((use) => use.filenames.length === 0 && use.path !== ".." && !use.path.startsWith("../"))
        .filter((use) => !use.path.includes("%") && !use.path.includes("$"))
        .map(({ key, path, assignment, offset }) =>
          error(CODE, placeOf(assignment, offset), {
            message: `${key}= reads ${path}, which the bundle does not bring: the service will not start.`,
            action: `Add ${path} to the bundle, or write an absolute path such as %h/${path}.`,
          }),
        ),
  },
};
