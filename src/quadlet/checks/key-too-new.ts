import { error, placeOfKey, type Check } from "#quadlet/checks/check.ts";
import { isKeyKnown } from "#quadlet/key-table.ts";
import { flagRule } from "#quadlet/podman-flags.ts";
import { firstTargetWith } from "#quadlet/podman-version.ts";

const CODE = "key_too_new";

/** A key that exists, but not yet in the Podman that will run the unit: it refuses the unit. */
export const keyTooNew: Check = {
  code: CODE,
  ofKey: {
    reads: ({ info }) => info !== null,
    run: ({ section, key, info, values }, { podman }) => {
      if (info === null || isKeyKnown(info, podman)) return [];
      const flag = flagRule(section, key)?.flag ?? null;
      const instead = flag === null ? "" : `, or write PodmanArgs=${flag} instead`;
      const message = `${key}= exists from Podman ${info.since} on; Podman ${podman} refuses the whole unit for it.`;
      const action = `Raise the target to ${firstTargetWith(info.since)}${instead}.`;
      return values.written.map((assignment) => error(CODE, placeOfKey(assignment), { message, action }));
    },
  },
};
