import { didYouMean } from "#core/did-you-mean.ts";
import { placeOfKey, warning, type Check } from "#quadlet/checks/check.ts";
import { systemdKeys } from "#quadlet/systemd-keys.ts";

const CODE = "systemd_key";

/** systemd ignores a key that it does not know: what it should have done does not happen. */
export const systemdKey: Check = {
  code: CODE,
  ofKey: {
    reads: ({ section, key }) => {
      const known = systemdKeys(section);
      return known.size > 0 && !known.has(key) && !key.startsWith("X-");
    },
    run: ({ section, key, values }) => {
      const near = didYouMean(key, systemdKeys(section));
      const message = `systemd has no key ${key} in [${section}] and ignores it.`;
      const action = near === null ? `Remove it, or call it X-${key} when it is for people.` : `Did you mean ${near}=?`;
      return values.written.map((assignment) => warning(CODE, placeOfKey(assignment), { message, action }));
    },
  },
};
