import { placeOf, warning, type Check } from "#quadlet/checks/check.ts";
import { isKeyKnown, isRepeatable } from "#quadlet/key-table.ts";

const CODE = "quoted_value";
/** Checks of their own say more about these. */
const OTHERS = new Set(["PublishPort", "Volume", "ExposeHostPort"]);

const isQuoted = (value: string) =>
  value.length >= 2 && (value.startsWith('"') || value.startsWith("'")) && value.endsWith(value.charAt(0));

/** Podman takes the quotes of a repeatable plain key, such as Network="a.network", for part of the value. */
export const quotedValue: Check = {
  code: CODE,
  ofKey: {
    reads: ({ key, info }) => info?.kind === "string" && !OTHERS.has(key),
    run: ({ key, info, values }, { podman }) => {
      const quoted = values.all().filter((assignment) => isQuoted(assignment.value));
      if (quoted.length === 0 || info === null || !isKeyKnown(info, podman) || !isRepeatable(info, podman)) return [];
      const message = `Podman keeps the quotes of ${key}= as part of the value.`;
      return quoted.map((assignment) =>
        warning(CODE, placeOf(assignment), { message, action: "Write the value without quotes." }),
      );
    },
  },
};
