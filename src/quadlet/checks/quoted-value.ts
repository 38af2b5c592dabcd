import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { isKeyKnown, isRepeatable } from "#quadlet/key-table.ts";

const CODE = "quoted_value";
/** Checks of their own say more about these. */
const OTHERS = new Set(["PublishPort", "Volume", "ExposeHostPort"]);

/** Podman takes the quotes of a repeatable plain key, such as Network="a.network", for part of the value. */
export const quotedValue: Check = {
  code: CODE,
  run: ({ keys, podman }) =>
    keys.flatMap(({ view, section, key, info }) => {
      if (info === null || info.kind !== "string" || OTHERS.has(key)) return [];
      if (!isKeyKnown(info, podman) || !isRepeatable(info, podman)) return [];
      return view.all(section, key).flatMap((assignment) => {
        if (!/^(["']).*\1$/.test(assignment.value)) return [];
        const message = `Podman keeps the quotes of ${key}= as part of the value.`;
        return [warning(CODE, placeOf(assignment), { message, action: "Write the value without quotes." })];
      });
    }),
};
