import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { keyInfo } from "#quadlet/key-table.ts";
import type { LoadedUnit } from "#quadlet/load-units.ts";

const CODE = "trailing_comment";

/** Most units have no such mark anywhere. */
const hasMark = (unit: LoadedUnit) => [unit.file, ...unit.dropIns].some((file) => /[ \t][#;][ \t]/.test(file.text));

/** A `#` after a value does not start a comment: it and the words behind it belong to the value. */
export const trailingComment: Check = {
  code: CODE,
  run: ({ bundle }) =>
    bundle.units.filter(hasMark).flatMap(({ view, section }) =>
      [section, "Unit", "Service", "Install"].flatMap((name) =>
        view.keys(name).flatMap((key) => {
          // A shell command may well contain a comment of its own.
          if (
            ["Exec", "HealthCmd", "HealthStartupCmd"].includes(key) ||
            (name === section && keyInfo(name, key) === null)
          )
            return [];
          if (name !== section && /^(?:Exec|Description)/.test(key)) return [];
          return view.written(name, key).flatMap((assignment) => {
            const at = /\s[#;]\s/.exec(assignment.value)?.index;
            if (at === undefined || /["']/.test(assignment.value)) return [];
            const message = `Comments stand on lines of their own: this one is part of ${key}=.`;
            return [
              warning(CODE, placeOf(assignment, at + 1), { message, action: "Move the comment to the line above." }),
            ];
          });
        }),
      ),
    ),
};
