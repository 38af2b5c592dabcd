import { warning, type Check } from "#quadlet/checks/check.ts";
import { baseName, dropInFolders, folderOf } from "#quadlet/unit-names.ts";

const CODE = "drop_in_scope";

/** Drop-ins that change units of other bundles too (Podman looks for them in the whole tree), or no unit at all. */
export const dropInScope: Check = {
  code: CODE,
  ofBundle: ({ bundle }) =>
    bundle.files.flatMap(({ filename }) => {
      if (!filename.endsWith(".conf")) return [];
      const folder = baseName(folderOf(filename));
      if (!folder.endsWith(".d")) return [];
      const place = { file: filename, line: 1, column: 1 };
      if (/^(?:container|pod|kube|volume|network|image|build|artifact)\.d$/.test(folder)) {
        const message = `${folder}/ changes the units of every bundle on the device.`;
        return [
          warning(CODE, place, {
            message,
            action: "Put the keys into the units, or into a folder named after one unit.",
          }),
        ];
      }
      if (bundle.units.some((unit) => dropInFolders(unit.basename).includes(folder))) return [];
      const message = `No unit of the bundle is called ${folder.slice(0, -2)}: the drop-in changes nothing here.`;
      return [warning(CODE, place, { message, action: "Name the folder after the unit, such as web.container.d." })];
    }),
};
