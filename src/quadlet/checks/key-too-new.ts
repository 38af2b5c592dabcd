import { error, type Check } from "#quadlet/checks/check.ts";
import { isKeyKnown, keyInfo } from "#quadlet/key-table.ts";
import { flagRule } from "#quadlet/podman-flags.ts";

const CODE = "key_too_new";

/** A key that exists, but not yet in the Podman that will run the unit: it refuses the unit. */
export const keyTooNew: Check = {
  code: CODE,
  run: ({ bundle, podman }) =>
    bundle.units.flatMap(({ view, section }) =>
      [section, "Quadlet"].flatMap((name) =>
        view.keys(name).flatMap((key) => {
          const info = keyInfo(name, key);
          if (info === null || isKeyKnown(info, podman)) return [];
          const flag = flagRule(name, key)?.flag ?? null;
          const instead = flag === null ? "" : `, or write PodmanArgs=${flag} instead`;
          return view.written(name, key).map((assignment) =>
            error(
              CODE,
              { file: assignment.file, line: assignment.line, column: assignment.column },
              {
                message: `${key}= exists from Podman ${info.since} on; Podman ${podman} refuses the whole unit for it.`,
                action: `Raise the target to ${info.since}${instead}.`,
              },
            ),
          );
        }),
      ),
    ),
};
